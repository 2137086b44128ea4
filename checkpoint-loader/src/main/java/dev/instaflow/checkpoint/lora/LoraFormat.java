package dev.instaflow.checkpoint.lora;

/** How keys are spelled in a file that is written; both are read. */
public enum LoraFormat {
    /**
     * {@code lora_unet_down_blocks_0_…_to_q.lora_down.weight}, {@code .lora_up.weight}, {@code .alpha}:
     * kohya-ss/sd-scripts {@code networks/lora.py} at 02298e3. Most programs read it.
     */
    KOHYA,
    /**
     * {@code unet.down_blocks.0.….to_q.lora_A.weight}, {@code .lora_B.weight}: diffusers with PEFT. Its loader
     * takes alpha for the rank where nothing else is said, so the scale is multiplied into {@code lora_B}.
     */
    DIFFUSERS
}
