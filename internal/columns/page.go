package columns

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/klauspost/compress/zstd"
)

// pageBytes is about how large a data page is before it is compressed.
const pageBytes = 1 << 20

// sink counts what is written.
type sink struct {
	*bufio.Writer
	at int64
}

func newSink(w io.Writer) *sink { return &sink{Writer: bufio.NewWriterSize(w, 256<<10)} }

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	s.at += int64(n)
	return n, err
}

// Tell returns the position in the file.
func (s *sink) Tell() int64 { return s.at }

// newCodec returns the compressor of pages. It is zstd at its fastest: level 3 costs
// 13 % more time for hardly fewer bytes (facts/engine.md 3). Each page ends with a checksum of what it holds, which arrow-go and DuckDB verify: a bit that
// flips on the disk is an error and no other value.
func newCodec() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true),
		zstd.WithAllLitEntropyCompression(true), // else ids in hex take twice the room
		zstd.WithZeroFrames(true), zstd.WithEncoderConcurrency(1))
}

// pager writes the pages of one column chunk after the other.
type pager struct {
	sink   *sink
	codec  *zstd.Encoder
	packed []byte
	header []byte
	chunk  chunk
}

// chunk is what the footer says about the chunk under way.
type chunk struct {
	meta     *metadata.ColumnChunkMetaDataBuilder
	plain    bool // its pages are not compressed
	info     metadata.ChunkMetaInfo
	encoding metadata.EncodingStats
}

// begin starts a chunk.
func (p *pager) begin(meta *metadata.ColumnChunkMetaDataBuilder, entries int) {
	p.chunk = chunk{
		meta: meta, plain: meta.Descr().PhysicalType() == parquet.Types.FixedLenByteArray,
		info: metadata.ChunkMetaInfo{NumValues: int64(entries), IndexPageOffset: -1},
	}
}

// end finishes the chunk's part of the footer.
func (p *pager) end() error {
	c := &p.chunk
	return c.meta.Finish(c.info, c.info.DictPageOffset > 0, false, c.encoding)
}

// Types of pages, fields and numbers of the Thrift structures in front of a page
// (parquet.thrift: PageHeader, DataPageHeader, DictionaryPageHeader).
const (
	dataPage       = 0
	dictionaryPage = 2
	fieldI32       = 0x15 // the next field, a 32 bit number
	dataField      = 0x2c // two fields on, a structure
	dictField      = 0x4c // four fields on, a structure
	stop           = 0
)

// data writes a data page of entries levels.
func (p *pager) data(body []byte, entries int, encoding parquet.Encoding) error {
	if p.chunk.info.DataPageOffset == 0 {
		p.chunk.info.DataPageOffset = p.sink.at
	}
	if p.chunk.encoding.DataEncodingStats == nil {
		p.chunk.encoding.DataEncodingStats = map[parquet.Encoding]int32{}
	}
	p.chunk.encoding.DataEncodingStats[encoding]++
	packed := p.begun(dataPage, body)
	rle := int64(parquet.Encodings.RLE)
	return p.page(append(p.number(p.header, dataField, int64(entries), int64(encoding), rle, rle), stop), body, packed)
}

// dictionary writes the dictionary page.
func (p *pager) dictionary(body []byte, values int) error {
	p.chunk.info.DictPageOffset = p.sink.at
	p.chunk.encoding.DictEncodingStats = map[parquet.Encoding]int32{parquet.Encodings.Plain: 1}
	packed := p.begun(dictionaryPage, body)
	return p.page(append(p.number(p.header, dictField, int64(values), int64(parquet.Encodings.Plain)), stop), body, packed)
}

// begun compresses a page and starts its header.
func (p *pager) begun(kind int64, body []byte) []byte {
	packed := body
	if !p.chunk.plain {
		p.packed = p.codec.EncodeAll(body, p.packed[:0])
		packed = p.packed
	}
	p.header = p.number(p.header[:0], 0, kind, int64(len(body)), int64(len(packed)))
	return packed
}

// number appends a structure's numbers, in the compact protocol of Thrift. field is
// what the structure is in the one around it, 0 for the outermost, which goes on.
func (p *pager) number(dst []byte, field byte, values ...int64) []byte {
	if field != 0 {
		dst = append(dst, field)
	}
	for _, v := range values {
		dst = binary.AppendVarint(append(dst, fieldI32), v)
	}
	if field != 0 {
		dst = append(dst, stop)
	}
	return dst
}

// page writes a page behind its header.
func (p *pager) page(header, body, packed []byte) error {
	p.header = header
	p.chunk.info.UncompressedSize += int64(len(header) + len(body))
	p.chunk.info.CompressedSize += int64(len(header) + len(packed))
	if _, err := p.sink.Write(header); err != nil {
		return err
	}
	_, err := p.sink.Write(packed)
	return err
}
