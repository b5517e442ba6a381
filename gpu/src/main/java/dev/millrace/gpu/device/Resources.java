package dev.millrace.gpu.device;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** What is open on one device, so that closing the device frees it and a leak has a name. */
final class Resources {
    private final Map<Object, Entry> open = new IdentityHashMap<>();
    private long added;

    private record Entry(long number, String label, Runnable release) {}

    synchronized void add(Object resource, String label, Runnable release) {
        open.put(resource, new Entry(added++, label, release));
    }

    /** Releases a resource; the second time, does nothing. */
    void close(Object resource) {
        Entry entry;
        synchronized (this) {
            entry = open.remove(resource);
        }
        if (entry != null) {
            entry.release.run();
        }
    }

    synchronized List<String> labels() {
        return inOrder().stream().map(Entry::label).toList();
    }

    /** Releases all, the youngest first, and only then throws what went wrong. */
    void closeAll() {
        List<Entry> entries;
        synchronized (this) {
            entries = inOrder();
            open.clear();
        }
        RuntimeException failure = null;
        for (int i = entries.size() - 1; i >= 0; i--) {
            try {
                entries.get(i).release.run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private List<Entry> inOrder() {
        List<Entry> entries = new ArrayList<>(open.values());
        entries.sort((a, b) -> Long.compare(a.number, b.number));
        return entries;
    }
}
