package dedup

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/trailhouse/trailhouse"
)

// A run file is a header and blocks of sorted 16-byte keys, each block with a
// trailer, so that every key that is ever read was checked:
//
//	header   magic (8), count (8), CRC-32C of these 16 bytes (4), zero (12)
//	block    up to 255 keys, CRC-32C of the keys and the block's number (4), number (4), zero (8)
//
// Numbers are big-endian. A full block is 4,096 bytes.
const (
	magic      = "thkeys1\n"
	headerSize = 32
	keySize    = 16
	blockKeys  = 255
	trailer    = 16
	blockSize  = blockKeys*keySize + trailer
	// streamBlocks is how many blocks one read takes when a run is read through.
	streamBlocks = 64
)

// errDamaged says that a run file is not what was written. It never leaves the
// package: the runs are rebuilt from the lake.
var errDamaged = errors.New("damaged run of keys")

// run is one run file. first and last are the numbers of the batches it holds: a
// merged run covers those that it was merged from, so that a crash between its
// rename and their removal leaves no key twice.
type run struct {
	dir         string
	first, last uint64
	count       int64
}

func (r run) path() string {
	return filepath.Join(r.dir, fmt.Sprintf("%08d-%08d-%d.keys", r.first, r.last, r.count))
}

func (r run) covers(o run) bool { return r != o && r.first <= o.first && o.last <= r.last }

// parseRun reads a run's name.
func parseRun(dir, name string) (run, bool) {
	r := run{dir: dir}
	if _, err := fmt.Sscanf(name, "%d-%d-%d.keys", &r.first, &r.last, &r.count); err != nil {
		return run{}, false
	}
	return r, r.count > 0 && r.first <= r.last && filepath.Base(r.path()) == name
}

// sizeOf returns the size in bytes of a run file of so many keys.
func sizeOf(count int64) int64 {
	return headerSize + count*keySize + blocksOf(count)*trailer
}

func blocksOf(count int64) int64 { return (count + blockKeys - 1) / blockKeys }

// create writes a run aside, syncs it and gives it its name. next returns the keys
// in order, count of them. The directory is not synced: a name that a power cut
// loses is found by the count.
func (r run) create(next func() (entry, error)) (err error) {
	aside := r.path() + ".tmp"
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(r.fill(f, next), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	return os.Rename(aside, r.path())
}

// fill writes the header and the blocks.
func (r run) fill(f io.Writer, next func() (entry, error)) error {
	w := bufio.NewWriterSize(f, streamBlocks*blockSize)
	sums := crc32.MakeTable(crc32.Castagnoli)
	var block [blockSize]byte
	header := append(block[:0], magic...)
	header = binary.BigEndian.AppendUint64(header, uint64(r.count))
	header = binary.BigEndian.AppendUint32(header, crc32.Checksum(header, sums))
	if _, err := w.Write(append(header, make([]byte, headerSize-len(header))...)); err != nil {
		return err
	}
	for number, left := uint32(0), r.count; left > 0; number++ {
		keys := block[:0]
		for range min(left, blockKeys) {
			e, err := next()
			if err != nil {
				return err
			}
			keys = binary.BigEndian.AppendUint64(keys, e.hi)
			keys = binary.BigEndian.AppendUint64(keys, e.lo)
			left--
		}
		if _, err := w.Write(seal(keys, number, sums)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// seal appends the trailer to a block's keys.
func seal(keys []byte, number uint32, sums *crc32.Table) []byte {
	sum := blockSum(keys, number, sums)
	keys = binary.BigEndian.AppendUint32(keys, sum)
	keys = binary.BigEndian.AppendUint32(keys, number)
	return append(keys, 0, 0, 0, 0, 0, 0, 0, 0)
}

func blockSum(keys []byte, number uint32, sums *crc32.Table) uint32 {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], number)
	return crc32.Update(crc32.Checksum(keys, sums), sums, n[:])
}

// reader reads the blocks of one run.
type reader struct {
	run    run
	f      *os.File
	sums   *crc32.Table
	buf    []byte // the blocks that were read last
	first  int64  // the number of the first of them
	loaded int64  // how many they are
}

// open opens a run and checks its size and header.
func (r run) open() (*reader, error) {
	f, err := os.Open(r.path())
	if err != nil {
		return nil, err
	}
	rd := &reader{run: r, f: f, sums: crc32.MakeTable(crc32.Castagnoli)}
	if err := rd.checkHeader(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return rd, nil
}

func (r *reader) checkHeader() error {
	var h [headerSize]byte
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != sizeOf(r.run.count) {
		return errDamaged
	}
	if _, err := r.f.ReadAt(h[:], 0); err != nil {
		return err
	}
	if string(h[:8]) != magic || binary.BigEndian.Uint64(h[8:]) != uint64(r.run.count) ||
		binary.BigEndian.Uint32(h[16:]) != crc32.Checksum(h[:16], r.sums) {
		return errDamaged
	}
	return nil
}

func (r *reader) close() error { return r.f.Close() }

func (r *reader) blocks() int64 { return blocksOf(r.run.count) }

// load makes block number b and, where there are more, n-1 behind it readable.
func (r *reader) load(b, n int64) error {
	n = min(n, r.blocks()-b)
	from := headerSize + b*blockSize
	size := min(n*blockSize, sizeOf(r.run.count)-from)
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	r.first, r.loaded = b, 0
	if _, err := r.f.ReadAt(r.buf, from); err != nil {
		if errors.Is(err, io.EOF) {
			return errDamaged
		}
		return err
	}
	for i := range n {
		block := r.buf[i*blockSize : min((i+1)*blockSize, size)]
		keys, tail := block[:len(block)-trailer], block[len(block)-trailer:]
		if binary.BigEndian.Uint32(tail) != blockSum(keys, uint32(b+i), r.sums) || binary.BigEndian.Uint32(tail[4:]) != uint32(b+i) {
			return errDamaged
		}
	}
	r.loaded = n
	return nil
}

// keys returns the keys of a loaded block.
func (r *reader) keys(b int64) []byte {
	from := (b - r.first) * blockSize
	return r.buf[from : min(from+blockSize, int64(len(r.buf)))-trailer]
}

// at returns key i of a loaded block.
func (r *reader) at(keys []byte, i int) entry {
	return entryOf((*trailhouse.Key)(keys[i*keySize:]), 0)
}
