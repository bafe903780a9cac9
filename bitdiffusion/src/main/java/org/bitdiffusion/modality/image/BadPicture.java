package org.bitdiffusion.modality.image;

import java.io.IOException;

/** A picture that cannot be used. The message goes on where the name of its file ends. */
final class BadPicture extends IOException {
  BadPicture(String message) {
    super(message);
  }

  static BadPicture damaged(String what) {
    return new BadPicture("is damaged: " + what);
  }
}
