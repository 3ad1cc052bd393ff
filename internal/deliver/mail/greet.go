package mail

import (
	"context"
	"time"
)

// greeting is how long a server may take to let us in.
const greeting = 20 * time.Second

// Greet goes as far with the server as a mail would, login included, and sends none.
// Errors are those of Send.
func (s *Sender) Greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel() // closes the connection, which the library leaves open where it fails early
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	smtp, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.fault(err)
	}
	_ = client.CloseWithSMTPClient(smtp) // it let us in, which is all that was asked
	return nil
}
