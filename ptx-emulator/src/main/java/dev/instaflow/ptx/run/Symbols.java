package dev.instaflow.ptx.run;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Addresses of variables and parameters, each within its own space. */
final class Symbols {
    private final Map<String, Long> addresses = new HashMap<>();
    private final Set<String> parameters = new HashSet<>();

    void define(String name, long address) {
        addresses.put(name, address);
    }

    void defineParameter(String name, long offset) {
        define(name, offset);
        parameters.add(name);
    }

    boolean isKnown(String name) {
        return addresses.containsKey(name);
    }

    /** Whether a name is one of the kernel's parameters. */
    boolean isParameter(String name) {
        return parameters.contains(name);
    }

    /** Of a known name. */
    long address(String name) {
        return addresses.get(name);
    }

    /** A copy to which the variables of a function are added. */
    Symbols inner() {
        Symbols inner = new Symbols();
        inner.addresses.putAll(addresses);
        return inner;
    }

    long address(String name, Decoding decoding) {
        Long address = addresses.get(name);
        if (address == null) {
            throw decoding.error("names '" + name + "', which is not declared");
        }
        return address;
    }
}
