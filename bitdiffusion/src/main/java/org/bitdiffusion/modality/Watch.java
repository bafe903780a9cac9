package org.bitdiffusion.modality;

/** Sees how far long work is. All methods are called on the thread that works. */
public interface Watch {
  /** Nobody. */
  Watch NOBODY = new Watch() {};

  /**
   * @param task in a word, such as {@code samples}
   * @param done of it
   * @param total of it
   * @param detail what else is known, or empty
   */
  default void progress(String task, long done, long total, String detail) {}

  /** Something that a person should know. */
  default void say(String what) {}
}
