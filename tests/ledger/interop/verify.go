// verify checks a log with Go's x/mod packages only: note, root, tiles, inclusion, consistency, and leaf hashes.
//
// Usage: verify PUBLIC_DIR VERIFIER_KEY OLD_SIZE < proofs
// Standard input: lines "index hash,hash,..." (hex) of inclusion proofs, and one line "consistency hash,hash,...".
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		fmt.Printf("REJECTED %s: %v\n", what, err)
		os.Exit(1)
	}
}

type reader struct{ dir string }

func (r reader) Height() int { return 8 }

// ReadTiles maps x/mod's names, which carry the height, to those of tlog-tiles.
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(r.dir, strings.Replace(t.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func hashes(text string) []tlog.Hash {
	var out []tlog.Hash
	for _, part := range strings.Split(text, ",") {
		if part == "" {
			continue
		}
		raw, err := hex.DecodeString(part)
		check(err, "hex")
		var h tlog.Hash
		copy(h[:], raw)
		out = append(out, h)
	}
	return out
}

func entryPath(dir string, bundle, size int64) string {
	t := tlog.Tile{H: 8, L: 0, N: bundle, W: 256}
	if rest := size - bundle*256; rest < 256 {
		t.W = int(rest)
	}
	return filepath.Join(dir, strings.Replace(t.Path(), "tile/8/0/", "tile/entries/", 1))
}

func main() {
	dir := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check(err, "key")
	old, _ := strconv.ParseInt(os.Args[3], 10, 64)
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check(err, "checkpoint")
	opened, err := note.Open(data, note.VerifierList(verifier))
	check(err, "note")
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	check(err, "root")
	var root tlog.Hash
	copy(root[:], raw)
	tree := tlog.Tree{N: size, Hash: root}
	// TileHashReader authenticates every tile against the root before it gives a hash away.
	source := tlog.TileHashReader(tree, reader{dir})
	oldHash, err := tlog.TreeHash(old, source)
	check(err, "old tree")
	own, err := tlog.ProveTree(size, old, source)
	check(err, "own consistency proof")
	for bundle := int64(0); bundle*256 < size; bundle++ {
		blob, err := os.ReadFile(entryPath(dir, bundle, size))
		check(err, "bundle")
		var leaves []tlog.Hash
		var places []int64
		for index := bundle * 256; len(blob) > 0; index++ {
			length := int(blob[0])<<8 | int(blob[1])
			leaves = append(leaves, tlog.RecordHash(blob[2:2+length]))
			places = append(places, tlog.StoredHashIndex(0, index))
			blob = blob[2+length:]
		}
		stored, err := source.ReadHashes(places)
		check(err, "tile")
		for at := range leaves {
			if stored[at] != leaves[at] {
				check(fmt.Errorf("leaf %d is not the one in the tree", bundle*256+int64(at)), "entry")
			}
		}
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(make([]byte, 1<<20), 1<<20)
	for input.Scan() {
		name, list, _ := strings.Cut(input.Text(), " ")
		if name == "consistency" {
			check(tlog.CheckTree(hashes(list), size, root, old, oldHash), "consistency")
			check(tlog.CheckTree(own, size, root, old, oldHash), "own consistency")
			continue
		}
		index, _ := strconv.ParseInt(name, 10, 64)
		leaf, err := source.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		check(err, "leaf")
		check(tlog.CheckRecord(hashes(list), size, root, index, leaf[0]), "inclusion")
	}
	fmt.Printf("ACCEPTED %d\n", size)
}
