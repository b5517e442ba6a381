package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Ties the rules' automata together, without the states from which no end can be reached. Good for one grammar. */
final class Linker {

    private final List<Dfa> automata;
    private final Work work;
    private final List<BitSet> useful = new ArrayList<>();
    private final List<BitSet> emptied = new ArrayList<>();
    private final List<Rule> rules = new ArrayList<>();

    Linker(List<Dfa> automata, Work work) {
        this.automata = automata;
        this.work = work;
        for (Dfa automaton : automata) {
            useful.add(accepting(automaton));
            emptied.add(accepting(automaton));
            rules.add(new Rule());
        }
    }

    /** The rules; one that no text fits has no start. */
    List<Rule> link() {
        while (grow(useful, false)) {
            work.steps(automata.size());
        }
        while (grow(emptied, true)) {
            work.steps(automata.size());
        }
        for (int i = 0; i < rules.size(); i++) {
            define(i);
        }
        return rules;
    }

    private static BitSet accepting(Dfa automaton) {
        BitSet states = new BitSet(automaton.states());
        for (int i = 0; i < automaton.states(); i++) {
            states.set(i, automaton.accepts(i));
        }
        return states;
    }

    /** Adds states that reach such ones, by called rules whose start is one, and, unless {@code calls} alone count, by bytes. */
    private boolean grow(List<BitSet> found, boolean callsAlone) {
        boolean grew = false;
        for (int i = 0; i < automata.size(); i++) {
            Dfa automaton = automata.get(i);
            BitSet states = found.get(i);
            for (boolean again = true; again; ) {
                again = false;
                work.steps(automaton.states());
                for (int s = automaton.states() - 1; s >= 0; s--) {
                    if (!states.get(s)
                            && (reachesByCall(automaton, s, found, states)
                                    || !callsAlone && reachesByByte(automaton, s, states))) {
                        states.set(s);
                        again = true;
                        grew = true;
                    }
                }
            }
        }
        return grew;
    }

    private static boolean reachesByByte(Dfa automaton, int state, BitSet states) {
        for (int target : automaton.next(state)) {
            if (target != Dfa.DEAD && states.get(target)) {
                return true;
            }
        }
        return false;
    }

    private static boolean reachesByCall(Dfa automaton, int state, List<BitSet> found, BitSet states) {
        int[] calls = automaton.calls(state);
        for (int c = 0; c < calls.length; c += 2) {
            if (found.get(calls[c]).get(Dfa.START) && states.get(calls[c + 1])) {
                return true;
            }
        }
        return false;
    }

    private void define(int number) {
        Dfa automaton = automata.get(number);
        BitSet keep = useful.get(number);
        if (!keep.get(Dfa.START)) {
            return;
        }
        Node[] nodes = new Node[automaton.states()];
        for (int s = keep.nextSetBit(0); s >= 0; s = keep.nextSetBit(s + 1)) {
            nodes[s] = new Node(automaton.classOf(), automaton.accepts(s));
        }
        for (int s = keep.nextSetBit(0); s >= 0; s = keep.nextSetBit(s + 1)) {
            Node[] next = Arrays.stream(automaton.next(s))
                    .mapToObj(target -> target == Dfa.DEAD ? null : nodes[target])
                    .toArray(Node[]::new);
            boolean bytes = Arrays.stream(next).anyMatch(node -> node != null);
            nodes[s].follow(bytes ? next : new Node[0], calls(automaton.calls(s), nodes));
        }
        rules.get(number).define(nodes[Dfa.START], emptied.get(number).get(Dfa.START));
    }

    private Node.Call[] calls(int[] pairs, Node[] nodes) {
        List<Node.Call> calls = new ArrayList<>(pairs.length / 2);
        for (int c = 0; c < pairs.length; c += 2) {
            if (useful.get(pairs[c]).get(Dfa.START) && nodes[pairs[c + 1]] != null) {
                calls.add(new Node.Call(rules.get(pairs[c]), nodes[pairs[c + 1]]));
            }
        }
        return calls.toArray(Node.Call[]::new);
    }
}
