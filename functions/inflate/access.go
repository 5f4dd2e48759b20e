//go:build !(amd64 || arm64) || purego

package inflate

import "encoding/binary"

// The same as in access_unsafe.go, checked.

func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

func put(b []byte, i int, c byte) { b[i] = c }

func copy16(b []byte, i, distance int) { copy(b[i:i+16], b[i-distance:i-distance+16]) }

func copy8(b []byte, i, distance int) {
	binary.LittleEndian.PutUint64(b[i:], binary.LittleEndian.Uint64(b[i-distance:]))
}
