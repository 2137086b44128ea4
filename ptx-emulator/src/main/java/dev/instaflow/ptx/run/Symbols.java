package dev.instaflow.ptx.run;

import java.util.HashMap;
import java.util.Map;

/** Addresses of variables and parameters, each within its own space. */
final class Symbols {
    private final Map<String, Long> addresses = new HashMap<>();

    void define(String name, long address) {
        addresses.put(name, address);
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
