package dev.instaflow.backend.cuda;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import jcuda.JCudaVersion;
import jcuda.LibUtils;

/**
 * Loads JCuda's own native libraries, one a binding class, from a folder that nobody else can write to.
 * <p>JCuda extracts them to fixed names in {@code java.io.tmpdir} and takes what lies there already: half a
 * file where two processes start at once, and anybody's code where others may write to the folder. None of
 * the other ways to hand it a file works. It calls {@code System.loadLibrary} first, but that searches
 * {@code java.library.path} as it was when the JVM started; loading the file ourselves beforehand does not
 * spare its own attempt, which fails the class for good. What it does read at the time of the call is the
 * property {@code java.io.tmpdir}. So this points the property to a fresh private folder while one class
 * initialises. Linux keeps a mapped library when its name is gone, and so the files are deleted at once:
 * nothing is left to clean at exit, however the process ends.
 */
final class JCudaNatives {
    private static final String TEMPORARY_FOLDER = "java.io.tmpdir";
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rwx------");

    private JCudaNatives() {}

    /** Whether JCuda has natives for this operating system and processor, which the build takes along. */
    static boolean supportPlatform() {
        return LibUtils.calculateOS() == LibUtils.OSType.LINUX
                && LibUtils.calculateArch() == LibUtils.ArchType.X86_64;
    }

    /** This platform in words: {@code windows x86_64}. */
    static String platform() {
        return LibUtils.createPlatformLibraryName("").substring(1).replace('-', ' ');
    }

    /**
     * The resource that holds the native half of a binding.
     *
     * @param binding simple name of its class
     */
    static String resource(String binding) {
        String name = LibUtils.createPlatformLibraryName(binding + "-" + JCudaVersion.get());
        return "/lib/" + LibUtils.createLibraryFileName(name);
    }

    /** Whether that resource is on the class path. */
    static boolean has(String binding) {
        return JCudaNatives.class.getResource(resource(binding)) != null;
    }

    /**
     * Initialises a binding class and so loads its native half; does nothing if that has been done.
     *
     * @param className of JCuda's class
     * @throws LinkageError if the native half, or NVIDIA's library behind it, does not load; the class
     *     cannot be used in this process any more
     * @throws UncheckedIOException if there is no place for a private folder
     */
    static synchronized void load(String className) {
        try {
            Path folder = privateFolder();
            String shared = System.setProperty(TEMPORARY_FOLDER, folder.toString());
            try {
                Class.forName(className, true, JCudaNatives.class.getClassLoader());
            } finally {
                System.setProperty(TEMPORARY_FOLDER, shared);
                delete(folder);
            }
        } catch (ClassNotFoundException e) {
            throw new NoClassDefFoundError(e.getMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path privateFolder() throws IOException {
        // File and Files note the temporary folder when they first need it. Both do so here, before
        // the
        // property points elsewhere: else a thread beside us could have them note our folder for
        // good.
        Files.delete(File.createTempFile("instaflow", null).toPath());
        return Files.createTempDirectory(
                "instaflow-jcuda", PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    }

    private static void delete(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
