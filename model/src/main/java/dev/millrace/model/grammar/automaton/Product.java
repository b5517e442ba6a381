package dev.millrace.model.grammar.automaton;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Two automata run side by side: their intersection, or their difference. Good for one. */
final class Product {

    private final Dfa left;
    private final Dfa right;
    private final boolean difference;
    private final Map<Long, Integer> numbers = new HashMap<>();
    private final List<Long> pairs = new ArrayList<>();

    Product(Dfa left, Dfa right, boolean difference) {
        this.left = left;
        this.right = right;
        this.difference = difference;
    }

    Dfa build(Work work) {
        byte[] classOf = new byte[256];
        int[] representative = classes(classOf);
        Dfa.Builder builder = new Dfa.Builder();
        number(Dfa.START, Dfa.START, work);
        for (int i = 0; i < pairs.size(); i++) {
            int l = (int) (pairs.get(i) >> 32);
            int r = pairs.get(i).intValue();
            int[] next = new int[representative.length];
            for (int c = 0; c < next.length; c++) {
                int afterLeft = left.after(l, representative[c]);
                int afterRight = right.after(r, representative[c]);
                boolean dead = afterLeft == Dfa.DEAD || afterRight == Dfa.DEAD && !difference;
                next[c] = dead ? Dfa.DEAD : number(afterLeft, afterRight, work);
            }
            boolean inRight = r != Dfa.DEAD && right.accepts(r);
            builder.add(next, new int[0], left.accepts(l) && inRight != difference);
        }
        return builder.build(classOf, representative.length);
    }

    private int[] classes(byte[] classOf) {
        Map<Integer, Integer> classes = new HashMap<>();
        List<Integer> first = new ArrayList<>();
        for (int b = 0; b < 256; b++) {
            int both = (left.classOf()[b] & 0xff) << 8 | right.classOf()[b] & 0xff;
            if (classes.putIfAbsent(both, first.size()) == null) {
                first.add(b);
            }
            classOf[b] = (byte) (int) classes.get(both);
        }
        return first.stream().mapToInt(Integer::intValue).toArray();
    }

    private int number(int l, int r, Work work) {
        long pair = (long) l << 32 | r & 0xFFFFFFFFL;
        Integer before = numbers.putIfAbsent(pair, pairs.size());
        if (before != null) {
            return before;
        }
        work.state();
        pairs.add(pair);
        return pairs.size() - 1;
    }
}
