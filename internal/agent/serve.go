package agent

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/trailhouse/trailhouse"
)

// listenAgain is the pause behind an address that is taken.
const listenAgain = 2 * time.Second

// Serve gives the series at /metrics of an address of the loopback until the context ends,
// and tells listening each address that is really listened at. CodeUsage for another
// address: what runs on a host is nobody else's business. An address that is taken is no
// error, for evidence is more than metrics: it is tried again and again, and say is told
// once.
func (m *Metrics) Serve(ctx context.Context, address string, clock trailhouse.Clock, listening, say func(string)) (wait func(), err error) {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "%s is no address of the loopback", address).
			WithHint("give one such as 127.0.0.1:9477, or nothing for no metrics")
	}
	var ended sync.WaitGroup
	ended.Go(func() {
		var told news
		for ctx.Err() == nil {
			err := m.listen(ctx, address, clock, listening)
			if ctx.Err() == nil && err != nil && told.begins(err) {
				m.errorOf("metrics")
				say("metrics cannot be served, and are tried again: " + err.Error())
			}
			select {
			case <-ctx.Done():
			case <-time.After(listenAgain):
			}
		}
	})
	return ended.Wait, nil
}

// listen serves until the context ends or it cannot.
func (m *Metrics) listen(ctx context.Context, address string, clock trailhouse.Clock, listening func(string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	listening(l.Addr().String())
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/metrics" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			_ = m.write(w, clock.Now()) // who asked has gone
		}),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // who asks then has gone
	return server.Serve(l)
}
