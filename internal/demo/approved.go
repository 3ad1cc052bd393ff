package demo

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse/internal/demo/audit"
	"github.com/trailhouse/trailhouse/internal/demo/trail"
	"github.com/trailhouse/trailhouse/internal/demo/trail/document"
)

// careful is the client whose enclaves all attest, but for a few that do not.
const careful = "initech"

// silentSessions is how many of them never do.
const silentSessions = 3

// strayImage is an image that nobody approved.
const strayImage = "/home/ec2-user/copy-of-tokenizer.eif"

// lateImage was approved in the middle of the demo's time.
const lateImage = "/opt/eif/vault.eif"

// approvedImages is the list of trailhouse.yaml.
func approvedImages(o Options) []audit.Image {
	from, to := o.span()
	handover := (from + (to-from)/2) / day * day
	var list []audit.Image
	for _, w := range workloads() {
		i := audit.Image{PCR0: document.ImagePCR(w.eif)}
		if w.eif == lateImage {
			i.From, i.Note = handover.Time(), "in production before its review"
		}
		if w.eif != strayImage && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	list = append(list, audit.Image{PCR0: document.ImagePCR(trail.UnloggedImage), Note: "runs on hosts whose logs nobody collects"})
	if slices.ContainsFunc(rules(o), func(r rule) bool { return r.client == careful }) {
		list = append(list, audit.Image{PCR8: document.SignerPCR(), Client: careful, Note: "whatever the release team signed"})
	}
	return list
}

// imagesConfig writes the list as trailhouse.yaml has it, measurements in each of the
// spellings that people have them in.
func imagesConfig(list []audit.Image) string {
	var b strings.Builder
	b.WriteString("\n# What may run. The list has no entry for one image that runs.\napproved_images:\n")
	for n, i := range list {
		spell := func(pcr string) string {
			raw, _ := hex.DecodeString(pcr)
			return [...]string{pcr, strings.ToUpper(pcr), base64.StdEncoding.EncodeToString(raw)}[n%3]
		}
		key, pcr := "pcr0", i.PCR0
		if pcr == "" {
			key, pcr = "pcr8", i.PCR8
		}
		fmt.Fprintf(&b, "  - %s: %q\n", key, spell(pcr))
		b.WriteString(optionalLine("client", i.Client))
		if !i.From.IsZero() {
			b.WriteString("    from: " + i.From.Format("2006-01-02") + "\n")
		}
		b.WriteString(optionalLine("note", i.Note))
	}
	return b.String()
}

func optionalLine(key, text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("    %s: %q\n", key, text)
}

// judge completes the truth with what follows from logs and trail together.
func (t *Truth) judge(o Options) {
	accounts := map[string]string{}
	for _, h := range t.Hosts {
		accounts[h.InstanceID] = h.Account
	}
	var sessions []audit.Session
	for _, s := range t.Sessions {
		ended := s.Stop
		if ended == 0 {
			ended = s.StopNotBefore
		}
		life := audit.Session{ID: s.EnclaveID, EnclaveID: s.EnclaveID, InstanceID: s.InstanceID, Account: accounts[s.InstanceID], Client: s.Client, Ended: ended.Time()}
		if s.Ready != 0 {
			life.Ready = s.Ready.Time()
		}
		sessions = append(sessions, life)
	}
	var calls []audit.Call
	for _, a := range t.Trail.Attested {
		if a.Slot == "" { // a NitroTPM
			continue
		}
		calls = append(calls, audit.Call{
			EventID: a.EventID, Time: a.Time, Account: a.Account, InstanceID: a.InstanceID, Slot: a.Slot, Key: a.Key, PCR0: a.PCR0, PCR8: a.PCR8, Debug: a.Debug,
			Principal: a.Principal, Sender: a.Sender, Error: a.Error, Match: a.Match,
		})
	}
	owners := rules(o)
	book := audit.Open(calls, t.Trail.KMSDays, sessions, approvedImages(o), func(instance string) string {
		return owner(owners, Session{InstanceID: instance})
	})
	t.Calls, t.Findings = book.Calls(), book.Findings()
}
