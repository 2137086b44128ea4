package dev.instaflow.train.evaluate.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.image.Pixels;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The search by matrix products against a plain one. */
class NearestPicturesTest {
    private static Picture random(Random random) {
        byte[] bytes = new byte[64 * 64 * 4];
        random.nextBytes(bytes);
        return Picture.of(Pixels.of(64, 64, bytes));
    }

    /** One step of one channel away: far below what a product in F32 can tell. */
    private static Picture almost(Picture picture, int at) {
        byte[] bytes = picture.toPixels().toBytes();
        bytes[4 * at + 3] = (byte) (bytes[4 * at + 3] ^ 1);
        return Picture.of(Pixels.of(64, 64, bytes));
    }

    @Test
    void findsWhatAPlainSearchFindsAlsoAmongNearlyEqualPictures() {
        Random random = new Random(3);
        List<Picture> pictures = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            Picture picture = random(random);
            pictures.add(picture);
            pictures.add(almost(picture, 5));
            pictures.add(almost(picture, 4000));
        }
        List<Picture> queries =
                IntStream.range(0, 9)
                        .mapToObj(i -> i < 5 ? almost(pictures.get(3 * i), 7 + i) : random(random))
                        .toList();
        int[] all = IntStream.range(0, pictures.size()).toArray();
        try (Backend backend = Device.cpu().open();
                NearestPictures search = NearestPictures.among(backend, pictures)) {
            List<NearestPictures.Distances> distances = search.distances(queries);
            for (int q = 0; q < queries.size(); q++) {
                Picture query = queries.get(q);
                long[] plain = pictures.stream().mapToLong(query::squaredDistance).toArray();
                int best = 0;
                for (int i = 1; i < plain.length; i++) {
                    best = plain[i] < plain[best] ? i : best;
                }
                assertEquals(best, distances.get(q).nearest(all));
                for (int i = 0; i < plain.length; i++) {
                    assertEquals(plain[i], distances.get(q).exact(i));
                    for (int limit = 0; limit < plain.length; limit++) {
                        assertEquals(
                                plain[i] < plain[limit],
                                distances.get(q).isNearer(i, plain[limit]));
                    }
                }
            }
        }
    }
}
