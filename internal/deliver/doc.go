// Package deliver sends reports by a schedule, each delivery once as far as that can be
// had: at least once, and always under the same id.
//
// The order of writing is what holds that. An instant of a schedule becomes a row of the
// state before anything else happens; its content is made once and kept on disk with its
// hash; each attempt is noted before it is made; what arrived is noted behind it. Who
// dies in between leaves a delivery that is open, and the next run sends the same bytes
// under the same id, which a directory or bucket recognises and a reader of mail can. All
// this happens under a lock of the delivery's name that dies with its process, so that
// two runs never send at the same time.
//
// The senders are in the folders below. They know nothing of this package: what they
// share is trailhouse.Sender.
package deliver
