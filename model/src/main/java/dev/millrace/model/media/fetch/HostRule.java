package dev.millrace.model.media.fetch;

import dev.millrace.model.InvalidInputException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which hosts may be asked. Unless hosts are listed only public addresses may, so that a user cannot reach through us what
 * only we can. It is judged on every hop by the addresses that the name stands for, before the connection and after it: the
 * JVM keeps these for half a minute, so what a name meant in between, by whoever owns it, is what it means in one of the two.
 */
final class HostRule {

    /** Finds the addresses that a name stands for. */
    @FunctionalInterface
    interface Resolver {
        InetAddress[] resolve(String host) throws UnknownHostException;
    }

    private final Set<String> domains;
    private final boolean allowPrivate;
    private final Resolver resolver;

    HostRule(Set<String> domains, boolean allowPrivate, Resolver resolver) {
        this.domains =
                domains.stream().map(host -> host.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
        this.allowPrivate = allowPrivate;
        this.resolver = resolver;
    }

    /**
     * @throws InvalidInputException if the URL's host may not be asked or is not known
     */
    void check(URI url) {
        String host = url.getHost();
        if (host == null) {
            throw new InvalidInputException("no host in the URL " + Urls.shown(url.toString()), null);
        }
        host = host.toLowerCase(Locale.ROOT);
        if (!domains.isEmpty()) {
            if (!domains.contains(host)) {
                throw new InvalidInputException(
                        "The URL must be from one of the allowed domains: " + new TreeSet<>(domains)
                                + ". Input URL domain: " + host,
                        null);
            }
        } else if (!allowPrivate) {
            requirePublic(host);
        }
    }

    private void requirePublic(String host) {
        try {
            for (InetAddress address : resolver.resolve(host)) {
                if (!isPublic(address)) {
                    throw new InvalidInputException(
                            "the host " + host
                                    + " is not on the public network; list it in `--allowed-media-domains` to"
                                    + " fetch from it",
                            null);
                }
            }
        } catch (UnknownHostException e) {
            throw new InvalidInputException("the host " + host + " is not known", null, e);
        }
    }

    /** By the special-purpose address registries of RFC 6890. */
    static boolean isPublic(InetAddress address) {
        if (address.isAnyLocalAddress()
                || address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()) {
            return false;
        }
        byte[] bytes = address.getAddress();
        int first = bytes[0] & 0xff;
        int second = bytes[1] & 0xff;
        if (bytes.length == 4) {
            return first != 0
                    && first < 240
                    && !(first == 100 && second >= 64 && second < 128)
                    && !(first == 192 && second == 0 && (bytes[2] & 0xff) == 0)
                    && !(first == 198 && (second == 18 || second == 19));
        }
        boolean global = first >> 5 == 1; // 2000::/3
        boolean sixToFour = first == 0x20 && second == 0x02;
        boolean teredo = first == 0x20 && second == 0x01 && bytes[2] == 0 && bytes[3] == 0;
        return global && !sixToFour && !teredo;
    }
}
