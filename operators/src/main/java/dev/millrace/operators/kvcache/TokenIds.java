package dev.millrace.operators.kvcache;

/** A sequence's known tokens: the prompt's, which are not copied, and the answer's, which grow. */
public final class TokenIds {

    private final int[] prompt;
    private final IntList output;

    public TokenIds(int[] prompt, IntList output) {
        this.prompt = prompt;
        this.output = output;
    }

    public int size() {
        return prompt.length + output.size();
    }

    public int get(int index) {
        return index < prompt.length ? prompt[index] : output.get(index - prompt.length);
    }

    /** Copies {@code count} tokens from {@code from} on. */
    public void copyTo(int from, int[] target, int at, int count) {
        int ofPrompt = Math.max(0, Math.min(count, prompt.length - from));
        System.arraycopy(prompt, Math.min(from, prompt.length), target, at, ofPrompt);
        output.copyTo(Math.max(0, from - prompt.length), target, at + ofPrompt, count - ofPrompt);
    }
}
