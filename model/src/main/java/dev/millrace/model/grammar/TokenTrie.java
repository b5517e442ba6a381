package dev.millrace.model.grammar;

import dev.millrace.model.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The vocabulary's texts as a tree of bytes, its nodes numbered as they are come by on a walk: a node's children and all
 * below them have the numbers up to its end. Node 0 is the empty text. Tokens that stand for no text are in no node.
 */
final class TokenTrie {

    private final int vocabSize;
    private final byte[] label;
    private final int[] end;
    private final int[] firstToken;
    private final int[] tokens;
    private final byte[][] bytes;
    private int nodes;

    /**
     * @param vocabSize rows of the logits, at least those that the tokenizer knows
     */
    TokenTrie(Tokenizer tokenizer, int vocabSize) {
        this.vocabSize = vocabSize;
        this.bytes = new byte[vocabSize][];
        for (int id = 0; id < Math.min(vocabSize, tokenizer.vocabSize()); id++) {
            bytes[id] = tokenizer.isSpecial(id) ? null : tokenizer.tokenBytes(id);
        }
        this.tokens = IntStream.range(0, vocabSize)
                .filter(id -> bytes[id] != null && bytes[id].length > 0)
                .boxed()
                .sorted((a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        int most = 1 + Arrays.stream(tokens).map(id -> bytes[id].length).sum();
        byte[] labels = new byte[most];
        int[] ends = new int[most];
        int[] firsts = new int[most + 1];
        build(labels, ends, firsts);
        this.label = Arrays.copyOf(labels, nodes);
        this.end = Arrays.copyOf(ends, nodes);
        this.firstToken = Arrays.copyOf(firsts, nodes + 1);
    }

    private void build(byte[] labels, int[] ends, int[] firsts) {
        int[] path = new int
                [1 + Arrays.stream(tokens).map(id -> bytes[id].length).max().orElse(0)];
        int depth = 0;
        nodes = 1;
        byte[] before = {};
        for (int t = 0; t < tokens.length; t++) {
            byte[] text = bytes[tokens[t]];
            int mismatch = Arrays.mismatch(before, text);
            int common = mismatch < 0 ? text.length : mismatch;
            for (; depth > common; depth--) {
                ends[path[depth]] = nodes;
            }
            while (depth < text.length) {
                labels[nodes] = text[depth++];
                firsts[nodes] = t;
                path[depth] = nodes++;
            }
            before = text;
        }
        for (; depth >= 0; depth--) {
            ends[path[depth]] = nodes;
        }
        firsts[nodes] = tokens.length;
    }

    int vocabSize() {
        return vocabSize;
    }

    int nodes() {
        return nodes;
    }

    /** The byte that leads to a node. */
    byte label(int node) {
        return label[node];
    }

    /** The number after those below a node: its next sibling's, where it has one. */
    int end(int node) {
        return end[node];
    }

    /** Where a node's tokens start; they end where the next one's start. */
    int firstToken(int node) {
        return firstToken[node];
    }

    int token(int index) {
        return tokens[index];
    }

    /** The bytes that a token stands for; null for one that stands for no text. */
    byte[] bytes(int token) {
        byte[] text = token >= 0 && token < bytes.length ? bytes[token] : null;
        return text == null || text.length == 0 ? null : text;
    }
}
