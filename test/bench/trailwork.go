package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// packed is what gunzip and gzip went through, in bytes.
type packed struct {
	Files            int
	Inflated, Stored int64
}

// gzFiles are those of a trail, in the order of their paths.
func gzFiles(dir string) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json.gz") {
			paths = append(paths, path)
		}
		return err
	})
	return paths, err
}

// inflater inflates one file after the other into the same memory.
type inflater struct {
	z    *gzip.Reader
	text bytes.Buffer
}

func (i *inflater) inflate(path string) (stored int, err error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	if i.z == nil {
		i.z, err = gzip.NewReader(bytes.NewReader(packed))
	} else {
		err = i.z.Reset(bytes.NewReader(packed))
	}
	if err == nil {
		i.text.Reset()
		_, err = io.Copy(&i.text, i.z)
	}
	return len(packed), err
}

// trailGunzip is the floor of an import: it inflates every file and does nothing else.
func trailGunzip(args []string) error {
	paths, err := gzFiles(args[0])
	if err != nil {
		return err
	}
	var sum packed
	var in inflater
	for _, path := range paths {
		stored, err := in.inflate(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		sum.Files++
		sum.Stored += int64(stored)
		sum.Inflated += int64(in.text.Len())
	}
	return tell(sum)
}

// trailGzip packs every file anew with level 6, in its place and with its time.
func trailGzip(args []string) error {
	paths, err := gzFiles(args[0])
	if err != nil {
		return err
	}
	var sum packed
	var lock sync.Mutex
	var failed error
	var work sync.WaitGroup
	jobs := make(chan string)
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			var in inflater
			for path := range jobs {
				stored, err := in.repack(path)
				lock.Lock()
				sum.Files++
				sum.Stored += stored
				sum.Inflated += int64(in.text.Len())
				if failed == nil {
					failed = err
				}
				lock.Unlock()
			}
		})
	}
	for _, path := range paths {
		jobs <- path
	}
	close(jobs)
	work.Wait()
	if failed != nil {
		return failed
	}
	return tell(sum)
}

// repack packs one file with level 6 and returns its new size.
func (i *inflater) repack(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if _, err := i.inflate(path); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	packed, err := gzipped(i.text.Bytes())
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(path, packed, 0o644); err != nil {
		return 0, err
	}
	return int64(len(packed)), os.Chtimes(path, info.ModTime(), info.ModTime())
}

// gzipped packs with level 6.
func gzipped(text []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, 6)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}

// trailCut cuts so many files of a trail to their first lateEvents events, and prints
// their paths. The files are spread over the trail.
func trailCut(args []string) error {
	want, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	paths, err := gzFiles(args[0])
	if err != nil {
		return err
	}
	var in inflater
	var long []string
	for _, path := range paths {
		if _, err := in.inflate(path); err != nil {
			return err
		}
		if bytes.Count(in.text.Bytes(), []byte(`"eventVersion":`)) >= 2*lateEvents {
			long = append(long, path)
		}
	}
	if len(long) < want {
		return fmt.Errorf("only %d files of the trail have %d events", len(long), 2*lateEvents)
	}
	var cut []string
	for i := range want {
		path := long[i*len(long)/want]
		if err := in.cut(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		cut = append(cut, path)
	}
	slices.Sort(cut)
	return tell(cut)
}

// cut leaves the first lateEvents records of a file.
func (i *inflater) cut(path string) error {
	if _, err := i.inflate(path); err != nil {
		return err
	}
	var file struct{ Records []json.RawMessage }
	if err := json.Unmarshal(i.text.Bytes(), &file); err != nil {
		return err
	}
	file.Records = file.Records[:lateEvents]
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	packed, err := gzipped(text)
	if err != nil {
		return err
	}
	return os.WriteFile(path, packed, 0o644)
}
