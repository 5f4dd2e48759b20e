package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// The journal keeps the world on disk: one file, only ever appended to, a line for each entry.
//
//	crc sequence synced payload
//
// crc is the CRC-32C, in eight hexadecimal digits, of the rest of the line. sequence is the entry's number, one more
// than the line before. synced is how many bytes of the file were known to be on disk when the line was written. The
// payload is JSON, which has no line breaks of its own. The first line's payload is the header, which names the format.
//
// A process that is killed in the middle of a write leaves an incomplete last line; a machine that loses power may also
// leave earlier lines of the last, unsynced write damaged. Neither was acknowledged, so such a tail is cut off, and
// reported. A damaged line that lies below the synced mark of any later line was acknowledged: then the journal is
// corrupt, and opening it is an error that changes nothing.

// journalHeader is the payload of the first line of every journal.
const journalHeader = `{"journal":"logarchive sandbox","version":1}`

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journalFile is what the journal needs of its file. Tests put a failing disk behind it.
type journalFile interface {
	io.Writer
	Sync() error
	Close() error
}

// errJournalClosed is what changes get after Close.
var errJournalClosed = errors.New("sandbox: the world is closed")

// journal appends entries and makes them durable, many at a time: whoever waits first writes and syncs for all that
// are pending (group commit), so that concurrent creations share one fsync.
type journal struct {
	mu      sync.Mutex
	done    *sync.Cond // the end of a commit
	file    journalFile
	path    string
	seq     uint64 // the number of the last entry that was appended
	durable uint64 // the number of the last entry that is known to be on disk
	size    int64  // bytes that were written
	synced  int64  // bytes that are known to be on disk
	pending []byte // lines that wait for a commit
	busy    bool   // a commit is under way
	err     error  // what ended the journal; every later change gets it
}

func newJournal(file journalFile, path string, seq uint64, size int64) *journal {
	j := &journal{file: file, path: path, seq: seq, durable: seq, size: size, synced: size}
	j.done = sync.NewCond(&j.mu)
	return j
}

// append adds an entry and returns its number for wait. Entries reach the disk in the order of their numbers, so an
// entry that is durable proves that all it was based on is durable, too.
func (j *journal) append(payload []byte) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return 0, j.err
	}
	j.seq++
	j.pending = appendLine(j.pending, j.seq, j.synced, payload)
	return j.seq, nil
}

// next returns the number that the next entry will get.
func (j *journal) next() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq + 1
}

// wait returns when the entry of that number is on disk, or with the error that keeps it from getting there.
func (j *journal) wait(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.durable < seq {
		if j.err != nil {
			return j.err
		}
		if j.busy {
			j.done.Wait()
			continue
		}
		j.commit()
	}
	return nil
}

// commit writes and syncs all pending lines. It is called with the lock held, and gives it up during the work.
func (j *journal) commit() {
	lines, last := j.pending, j.seq
	j.pending = nil
	j.busy = true
	j.mu.Unlock()
	_, err := j.file.Write(lines)
	if err == nil {
		err = j.file.Sync()
	}
	j.mu.Lock()
	j.busy = false
	if err != nil {
		// After a failed fsync nobody knows what is on disk, and a second fsync may wrongly report success. So this
		// is the end: what was acknowledged is safe, and the next process sees what is really there.
		j.err = fmt.Errorf("sandbox: cannot write %s: %w; nothing is changed any more until it is opened again", j.path, err)
	} else {
		j.size += int64(len(lines))
		j.synced, j.durable = j.size, last
	}
	j.done.Broadcast()
}

// close commits what is pending and closes the file. Changes are refused afterwards.
func (j *journal) close() error {
	j.mu.Lock()
	last := j.seq
	j.mu.Unlock()
	err := j.wait(last)
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, errJournalClosed) {
		return nil
	}
	j.err = errJournalClosed
	return errors.Join(err, j.file.Close())
}

func appendLine(to []byte, seq uint64, synced int64, payload []byte) []byte {
	start := len(to)
	to = append(to, "00000000 "...)
	to = strconv.AppendUint(to, seq, 10)
	to = append(to, ' ')
	to = strconv.AppendInt(to, synced, 10)
	to = append(to, ' ')
	to = append(to, payload...)
	sum := crc32.Checksum(to[start+9:], castagnoli)
	copy(to[start:], fmt.Sprintf("%08x", sum))
	return append(to, '\n')
}

// journalLine is a line whose checksum is right.
type journalLine struct {
	seq     uint64
	synced  int64
	payload []byte
}

// parseLine reads a line without its line break. It reports false for a line that is damaged or incomplete.
func parseLine(line []byte) (journalLine, bool) {
	if len(line) < 9 || line[8] != ' ' {
		return journalLine{}, false
	}
	if string(line[:8]) != fmt.Sprintf("%08x", crc32.Checksum(line[9:], castagnoli)) {
		return journalLine{}, false
	}
	fields := bytes.SplitN(line[9:], []byte{' '}, 3)
	if len(fields) != 3 {
		return journalLine{}, false
	}
	seq, err1 := strconv.ParseUint(string(fields[0]), 10, 64)
	synced, err2 := strconv.ParseInt(string(fields[1]), 10, 64)
	return journalLine{seq: seq, synced: synced, payload: fields[2]}, err1 == nil && err2 == nil
}

// journalState is what reading a journal found.
type journalState struct {
	entries  int    // lines after the header
	seq      uint64 // the last entry's number
	size     int64  // bytes of header and entries
	torn     int64  // bytes of an incomplete tail, which was never acknowledged
	headless bool   // the file is shorter than its header: nothing was ever written
}

// readJournal hands each entry's payload to apply, in order. The data is not changed and not kept. name is the file's
// name for errors.
func readJournal(data []byte, name string, apply func(seq uint64, payload []byte) error) (journalState, error) {
	header := appendLine(nil, 0, 0, []byte(journalHeader))
	if len(data) < len(header) && bytes.HasPrefix(header, data) {
		return journalState{torn: int64(len(data)), headless: true}, nil
	}
	var state journalState
	rest := data
	for first := true; len(rest) > 0; first = false {
		end := bytes.IndexByte(rest, '\n')
		var line journalLine
		ok := end >= 0
		if ok {
			line, ok = parseLine(rest[:end])
		}
		switch {
		case first && !ok:
			return state, fmt.Errorf("sandbox: %s is not a journal of the sandbox (or its first line is damaged); move it away, or remove the directory with `logarchive sandbox reset`", name)
		case first && string(line.payload) != journalHeader:
			return state, fmt.Errorf("sandbox: %s was written by another version: it begins with %s, this version reads %s", name, line.payload, journalHeader)
		case !ok:
			state.torn = int64(len(rest))
			return state, checkTail(rest, state.size, name)
		case !first && line.seq != state.seq+1 && state.entries > 0:
			return state, fmt.Errorf("sandbox: %s is corrupt: entry %d follows entry %d at byte %d", name, line.seq, state.seq, state.size)
		case !first:
			if err := apply(line.seq, line.payload); err != nil {
				return state, fmt.Errorf("sandbox: %s: entry %d at byte %d: %w", name, line.seq, state.size, err)
			}
			state.entries++
		}
		state.seq = line.seq
		state.size += int64(end + 1)
		rest = rest[end+1:]
	}
	return state, nil
}

// checkTail decides whether what begins at the first unreadable line is an unacknowledged tail (nil) or damage.
func checkTail(tail []byte, at int64, name string) error {
	for line := range bytes.Lines(tail) {
		later, ok := parseLine(bytes.TrimSuffix(line, []byte{'\n'}))
		if ok && later.synced > at {
			return fmt.Errorf("sandbox: %s is corrupt: the line at byte %d is damaged, and it was safely on disk once (entry %d says so); restore the file, or start afresh with `logarchive sandbox reset`", name, at, later.seq)
		}
	}
	return nil
}

// writeJournal makes a journal of these entries, numbered from seq+1 on, and puts it at path in one step: a crash
// leaves either the old file or the new one. It returns the file, open for appending, and its size.
func writeJournal(path string, seq uint64, payloads [][]byte) (*os.File, int64, error) {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	lines := appendLine(nil, 0, 0, []byte(journalHeader))
	for i, payload := range payloads {
		lines = appendLine(lines, seq+uint64(i)+1, 0, payload)
	}
	_, err = file.Write(lines)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, int64(len(lines)), nil
}

// syncDir makes a rename inside the directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
