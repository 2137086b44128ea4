package dev.instaflow.image;

import dev.instaflow.checkpoint.AtomicFile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOInvalidTreeException;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Image files through the JDK's ImageIO: reads what it reads (PNG, JPEG, GIF, BMP), writes PNG. Text goes
 * into iTXt chunks, which are UTF-8.
 */
public final class ImageFile {
    private static final String PNG_FORMAT = "javax_imageio_png_1.0";
    private static final long MOST_PIXELS = 1L << 26;

    static {
        // Images fit in memory; the default would make a temporary file for each.
        ImageIO.setUseCache(false);
    }

    private final Pixels pixels;
    private final Map<String, String> text;

    private ImageFile(Pixels pixels, Map<String, String> text) {
        this.pixels = pixels;
        this.text = text;
    }

    /**
     * The image.
     *
     * @return RGBA if the file has an alpha channel, else RGB
     */
    public Pixels pixels() {
        return pixels;
    }

    /**
     * The text chunks of a PNG.
     *
     * @return text by keyword; empty for other formats
     */
    public Map<String, String> text() {
        return text;
    }

    /**
     * Reads an image of at most 2^26 pixels.
     *
     * @param path the file
     * @return pixels and text
     * @throws ImageFileException if it is no image that ImageIO reads, damaged or too large
     * @throws IOException if it cannot be read
     */
    public static ImageFile read(Path path) throws IOException {
        // Not by way of a File: the path may lie in a zip.
        try (InputStream file = Files.newInputStream(path);
                ImageInputStream in = new MemoryCacheImageInputStream(file)) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new ImageFileException(
                        path + ": not an image (expected PNG, JPEG, GIF or BMP)");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in);
                return read(path, reader);
            } finally {
                reader.dispose();
            }
        }
    }

    private static ImageFile read(Path path, ImageReader reader) throws IOException {
        try {
            long area = (long) reader.getWidth(0) * reader.getHeight(0);
            if (area > MOST_PIXELS) {
                throw new ImageFileException(
                        "%s: %dx%d pixels, at most %d are read"
                                .formatted(
                                        path,
                                        reader.getWidth(0),
                                        reader.getHeight(0),
                                        MOST_PIXELS));
            }
            BufferedImage image = reader.read(0);
            Pixels pixels =
                    Pixels.fromBufferedImage(image, image.getColorModel().hasAlpha() ? 4 : 3);
            return new ImageFile(pixels, textOf(reader.getImageMetadata(0)));
        } catch (ImageFileException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // ImageIO's readers throw unchecked exceptions on some damaged files.
            throw new ImageFileException(path + ": damaged image: " + e.getMessage(), e);
        }
    }

    private static Map<String, String> textOf(IIOMetadata metadata) {
        Map<String, String> text = new LinkedHashMap<>();
        if (metadata == null || !PNG_FORMAT.equals(metadata.getNativeMetadataFormatName())) {
            return text;
        }
        NodeList chunks = metadata.getAsTree(PNG_FORMAT).getChildNodes();
        for (int i = 0; i < chunks.getLength(); i++) {
            NodeList entries = chunks.item(i).getChildNodes();
            for (int j = 0; j < entries.getLength(); j++) {
                Node entry = entries.item(j);
                if (entry instanceof IIOMetadataNode node && node.hasAttribute("keyword")) {
                    String attribute = node.hasAttribute("text") ? "text" : "value";
                    text.put(node.getAttribute("keyword"), node.getAttribute(attribute));
                }
            }
        }
        return text;
    }

    /**
     * Writes a PNG to a temporary file beside {@code path} and moves it into place.
     *
     * @param path the file, replaced if it exists; its folder is made if missing
     * @param pixels RGB or RGBA
     * @param text by keyword: Latin-1, 1 to 79 characters
     * @throws IOException if it cannot be written
     */
    public static void writePng(Path path, Pixels pixels, Map<String, String> text)
            throws IOException {
        byte[] bytes = encodePng(pixels, text);
        Path target = path.toAbsolutePath();
        Files.createDirectories(target.getParent());
        AtomicFile.write(target, part -> Files.write(part, bytes));
    }

    /**
     * The bytes of a PNG file.
     *
     * @param pixels RGB or RGBA
     * @param text by keyword: Latin-1, 1 to 79 characters
     * @return the whole file
     * @throws IOException if a text cannot stand in a PNG
     */
    public static byte[] encodePng(Pixels pixels, Map<String, String> text) throws IOException {
        BufferedImage image = pixels.toBufferedImage();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
            IIOMetadata metadata =
                    writer.getDefaultImageMetadata(
                            ImageTypeSpecifier.createFromRenderedImage(image),
                            writer.getDefaultWriteParam());
            addText(metadata, text);
            writer.setOutput(out);
            writer.write(new IIOImage(image, null, metadata));
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    private static void addText(IIOMetadata metadata, Map<String, String> text)
            throws IIOInvalidTreeException {
        if (text.isEmpty()) {
            return;
        }
        IIOMetadataNode chunk = new IIOMetadataNode("iTXt");
        text.forEach(
                (keyword, value) -> {
                    IIOMetadataNode entry = new IIOMetadataNode("iTXtEntry");
                    entry.setAttribute("keyword", keyword);
                    entry.setAttribute("compressionFlag", "FALSE");
                    entry.setAttribute("compressionMethod", "0");
                    entry.setAttribute("languageTag", "");
                    entry.setAttribute("translatedKeyword", "");
                    entry.setAttribute("text", utf8(value));
                    chunk.appendChild(entry);
                });
        IIOMetadataNode root = new IIOMetadataNode(PNG_FORMAT);
        root.appendChild(chunk);
        metadata.mergeTree(PNG_FORMAT, root);
    }

    /** Unpaired surrogates cannot stand in UTF-8; they become question marks, here and not later. */
    private static String utf8(String value) {
        return new String(value.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }
}
