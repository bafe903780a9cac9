package org.bitdiffusion.modality.caption;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.Seed;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.text.Tokenizer;

/**
 * Captions of images as rows of L tokens, shape [1, L], each with the image that it describes. Of
 * an image with several captions, one is drawn each time.
 */
public final class CaptionData implements DataSource {
  private final ImageSource images;
  private final Tokenizer tokenizer;
  private final int length;
  private final Jitter jitter;
  private final int cut;

  /**
   * Of images that do not change.
   *
   * @param images each with at least one caption; closed with this
   * @param tokenizer closed with this
   * @param length L
   * @throws DataException if an image has no caption, or a caption cannot be written in tokens
   */
  public CaptionData(ImageSource images, Tokenizer tokenizer, int length) {
    this(images, tokenizer, length, Jitter.NONE, cut(images, tokenizer, length));
  }

  private CaptionData(ImageSource images, Tokenizer tokenizer, int length, Jitter jitter, int cut) {
    this.images = images;
    this.tokenizer = tokenizer;
    this.length = length;
    this.jitter = jitter;
    this.cut = cut;
  }

  /** The same captions, of images that change in training; either is closed with the other. */
  public CaptionData jittered(Jitter jitter) {
    return new CaptionData(images, tokenizer, length, jitter, cut);
  }

  private static int cut(ImageSource images, Tokenizer tokenizer, int length) {
    var tooLong = 0;
    for (var i = 0; i < images.size(); i++) {
      var captions = images.captions(i);
      if (captions.isEmpty()) {
        throw new DataException(
            "%s: image %d has no caption; take a source of which all images have some"
                .formatted(images.name(), i));
      }
      for (var caption : captions) {
        if (tokenizer.count(caption) >= length) {
          tooLong++;
        }
      }
    }
    return tooLong;
  }

  /** All captions of images, one after the other. */
  public static Iterable<String> captions(ImageSource images) {
    return () ->
        IntStream.range(0, images.size())
            .boxed()
            .flatMap(i -> images.captions(i).stream())
            .iterator();
  }

  /** The images, with their captions as text. */
  public ImageSource images() {
    return images;
  }

  /** How captions become tokens. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The number of captions that have more tokens than L - 1, and lose the last of them. */
  public int cut() {
    return cut;
  }

  @Override
  public String name() {
    return images.name();
  }

  @Override
  public Schema schema() {
    var format = images.format();
    return new Schema(
        Space.of(List.of(1, length), tokenizer.vocabulary()),
        new Condition.Pixels(3, format.height(), format.width()),
        tokenizer.end(),
        images.fit().details());
  }

  @Override
  public void keep(Path run) {
    tokenizer.save(RunTokenizer.file(run));
  }

  @Override
  public boolean reads(Path file) {
    return images.reads(file);
  }

  @Override
  public String warning() {
    return cut == 0
        ? ""
        : "%,d captions are longer than modality.length %d and are cut".formatted(cut, length);
  }

  @Override
  public int size() {
    return images.size();
  }

  @Override
  public void read(int index, int[] target, int offset) {
    read(index, 0, target, offset);
  }

  @Override
  public void read(int index, long draw, int[] target, int offset) {
    var captions = images.captions(index);
    var caption = captions.get((int) Math.floorMod(draw, (long) captions.size()));
    var ids = tokenizer.encode(caption, length).ids();
    System.arraycopy(ids, 0, target, offset, length);
  }

  /** The image as red, green and blue, 0 to 255. */
  @Override
  public void readPixels(int index, byte[] target, int offset) {
    images.readRgb(index, target, offset);
  }

  @Override
  public void readPixels(int index, long draw, byte[] target, int offset) {
    readPixels(index, target, offset);
    var seed = Seed.of(draw, 1); // the caption goes by draw itself
    jitter.apply(target, offset, images.format().height(), images.format().width(), seed);
  }

  @Override
  public void close() {
    images.close();
    tokenizer.close();
  }
}
