package org.bitdiffusion.modality.image;

import java.util.Locale;
import java.util.Map;
import org.bitdiffusion.data.Schema;

/** How a picture of any shape becomes a square of the size asked for. */
public enum Fit {
  /**
   * The whole picture: its longer side becomes the size, the other one keeps the proportions,
   * rounded, and is 1 at least. It lies at the left and at the top; what is right of it or below is
   * filled with a grey of 0.3, as pix2seq does. Smaller pictures become larger.
   */
  PAD,

  /** Its central square. Pictures with a side below the size are refused. */
  CROP;

  private static final String DETAIL = "fit";

  /** As {@code --data} writes it. */
  String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** How the pictures of a run became squares, which those that it describes are to become too. */
  public static Fit of(Schema schema) {
    return PAD.option().equals(schema.details().get(DETAIL)) ? PAD : CROP;
  }

  /** What a schema notes of it; nothing of what was the only way once. */
  public Map<String, Object> details() {
    return this == PAD ? Map.of(DETAIL, option()) : Map.of();
  }
}
