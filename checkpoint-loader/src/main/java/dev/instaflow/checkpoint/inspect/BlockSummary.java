package dev.instaflow.checkpoint.inspect;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.BlockName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of one block, or of one element type.
 *
 * @param name of the block, or of the type
 * @param tensors how many
 * @param dtypes their element types
 * @param parameters their elements
 * @param bytes what the elements take in the file's types
 */
public record BlockSummary(
        String name, int tensors, Set<DType> dtypes, long parameters, long bytes) {
    /** Takes a copy of the set. */
    public BlockSummary {
        dtypes = Set.copyOf(dtypes);
    }

    /** One summary a block, in file order. */
    static List<BlockSummary> byBlock(Collection<Entry> entries) {
        return by(entries, Grouping.BLOCK);
    }

    /** One summary an element type, in file order. */
    static List<BlockSummary> byType(Collection<Entry> entries) {
        return by(entries, Grouping.TYPE);
    }

    private enum Grouping {
        BLOCK,
        TYPE;

        String key(Entry entry) {
            return this == BLOCK ? BlockName.of(entry.name()) : entry.dtype().name();
        }
    }

    private static List<BlockSummary> by(Collection<Entry> entries, Grouping grouping) {
        Map<String, List<Entry>> groups = new LinkedHashMap<>();
        for (Entry entry : entries) {
            groups.computeIfAbsent(grouping.key(entry), key -> new ArrayList<>()).add(entry);
        }
        return groups.entrySet().stream().map(e -> of(e.getKey(), e.getValue())).toList();
    }

    static BlockSummary of(String name, Collection<Entry> entries) {
        EnumSet<DType> dtypes = EnumSet.noneOf(DType.class);
        long parameters = 0;
        long bytes = 0;
        for (Entry entry : entries) {
            dtypes.add(entry.dtype());
            parameters = Math.addExact(parameters, entry.count());
            bytes = Math.addExact(bytes, entry.sizeBytes());
        }
        return new BlockSummary(name, entries.size(), dtypes, parameters, bytes);
    }
}
