package dev.instaflow.pipeline;

/** The version of this library, from the manifest of its jar. */
final class LibraryVersion {
    private LibraryVersion() {}

    /** "development" where classes do not come from a jar. */
    static String current() {
        String version = LibraryVersion.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
