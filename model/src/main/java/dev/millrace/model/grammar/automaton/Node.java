package dev.millrace.model.grammar.automaton;

/**
 * A place in a rule: which bytes and rules may come next. From every place the rule's end can be reached. Compared by
 * identity.
 */
public final class Node {

    private static final Node[] NO_BYTES = {};
    private static final Call[] NO_CALLS = {};

    private final byte[] classOf;
    private final boolean accepting;
    private Node[] next = NO_BYTES;
    private Call[] calls = NO_CALLS;

    /** A rule that may come next, and the place after it. */
    record Call(Rule rule, Node after) {}

    Node(byte[] classOf, boolean accepting) {
        this.classOf = classOf;
        this.accepting = accepting;
    }

    /** Sets what follows, once. */
    void follow(Node[] byClass, Call[] called) {
        next = byClass;
        calls = called;
    }

    /** The place after a byte, or null. */
    public Node after(byte b) {
        return next.length == 0 ? null : next[classOf[b & 0xff] & 0xff];
    }

    /** Whether the rule may end here. */
    public boolean accepts() {
        return accepting;
    }

    /** Whether a byte may come next. */
    public boolean hasBytes() {
        return next.length > 0;
    }

    /** Whether another rule may come next. */
    public boolean hasCalls() {
        return calls.length > 0;
    }

    Call[] calls() {
        return calls;
    }

    /** Whether the rule has nothing but its end here. */
    boolean isEnd() {
        return next.length == 0 && calls.length == 0;
    }
}
