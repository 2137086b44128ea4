package dev.instaflow.train.recipe;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.Device;
import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.WeightStorage;

/** Where settings want to compute. */
final class Backends {
    private Backends() {}

    static Backend open(Section settings) {
        return device(settings).open();
    }

    /** One whose weights have gradients. */
    static TrainingBackend openForTraining(Section settings) {
        Device device = device(settings);
        Backend backend = device.open(WeightStorage.TRAINABLE);
        if (backend instanceof TrainingBackend training) {
            return training;
        }
        backend.close();
        throw settings.bad("device", device.name() + " computes no gradients; choose cpu");
    }

    private static Device device(Section settings) {
        int threads = settings.count("threads", 0);
        Device device = settings.build(() -> Device.named(settings.text("device")));
        if (threads == 0) {
            return device;
        }
        if (!device.name().equals("cpu")) {
            throw settings.bad("threads", "is for the device cpu, not for " + device.name());
        }
        return Device.cpu(threads);
    }
}
