package doctor

import (
	"context"
	"fmt"
)

// targets looks at where deliveries go to beside AWS: directories of this machine, and mail
// servers, which are greeted as a delivery would and get no mail.
func (e *examination) targets(ctx context.Context) {
	for i := range e.Config.Deliver {
		place := fmt.Sprintf("deliver[%d]", i+1)
		for _, t := range e.Config.Deliver[i].Kinds() {
			m := t.Mail // as far as it decides whether the server lets us in
			m.From, m.ReplyTo, m.Subject, m.To, m.CC = "", "", "", nil, nil
			once := fmt.Sprintf("%s %s %+v", t.Kind(), t.Directory.Path, m)
			if e.tried[once] {
				continue
			}
			switch t.Kind() {
			case "directory":
				e.tried[once] = true
				e.directory(place, t.Directory.Path)
			case "mail":
				e.tried[once] = true
				if err := e.Greet(ctx, t.Mail); err != nil {
					e.fail("mail", place, err)
				} else {
					e.ok("mail", place, "%s greets and lets us in", t.Mail.Host)
				}
			}
		}
	}
}

// directory looks at the directory of a target, which a delivery makes where it is
// missing.
func (e *examination) directory(place, path string) {
	at, err := existing(path)
	if err == nil {
		err = writable(at)
	}
	if err != nil {
		e.fail("directory", place, err)
		return
	}
	e.ok("directory", place, "%s can be written", path)
}
