package org.bitdiffusion.modality;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.ConfigYaml;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.io.Npy;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.model.Model;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Samples of a run that are kept in its folder, piece by piece: an evaluation that was cut off goes
 * on where it was, and one with another measure draws none anew. They are addressed by all that
 * they depend on, setting by setting, and by a version of how samples are made.
 */
public final class KeptSamples {
  /** Raised whenever the same settings and weights would give other samples. */
  private static final int VERSION = 1;

  /** Samples in one file. */
  public static final int PIECE = 64;

  /** What samples are conditioned on. */
  @FunctionalInterface
  public interface Conditions {
    /** Of samples first .. first + count - 1. */
    Given of(int first, int count);
  }

  /** Of a run. */
  private static final String FOLDER = "evaluations";

  /** In the name of a file, before the CRC-32 of its symbols. */
  private static final String CHECKSUM = "-crc-";

  private final Evaluation.Subject subject;
  private final int n;
  private final Conditions conditions;
  private final Path folder; // this and the next: null for weights of no checkpoint
  private final String address;

  /** Samples of weights of no checkpoint that were drawn last, and the first one's number. */
  private Samples last;

  private int lastFirst;
  private double seconds;
  private int drawn;

  /**
   * @param subject whose samples they are; they are kept with the checkpoint that its model has
   *     loaded, whatever a training has written since. Where it has loaded none, as its weights are
   *     being trained, nothing is kept: a piece is drawn whenever it is asked for
   * @param n how many samples, at least 1
   * @throws ConfigurationException if the disk has no room for them
   */
  public KeptSamples(Evaluation.Subject subject, int n, Conditions conditions) {
    if (n < 1 || subject.batch() < 1) {
      throw new IllegalArgumentException(
          "%d samples in batches of %d cannot be drawn".formatted(n, subject.batch()));
    }
    this.subject = subject;
    this.n = n;
    this.conditions = conditions;
    var loaded = subject.model().loaded();
    address = loaded.map(from -> address(subject, from.checksum())).orElse(null);
    folder = loaded.map(from -> folder(from, address)).orElse(null);
    if (folder != null) {
      requireRoom();
    }
  }

  /** Hours of drawing are not to end in a disk that is full. */
  private void requireRoom() {
    var space = subject.model().config().schema().space();
    var bytes = (double) n * space.places() * Npy.bytes(space.mostCategories());
    var run = subject.folder().path();
    try {
      var free = Files.getFileStore(run).getUsableSpace();
      if (bytes > free && bytes - keptBytes() > free) {
        throw new ConfigurationException(
            "n is %d: so many samples are kept in %,.0f kB of %s, and %,d kB are free there; ask for fewer"
                .formatted(n, bytes / 1024, run.resolve(FOLDER), free >> 10));
      }
    } catch (IOException e) {
      throw DataException.cannotRead(run, e);
    }
  }

  /** Of the pieces that are there already. */
  private long keptBytes() throws IOException {
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    var bytes = 0L;
    try (var files = Files.newDirectoryStream(folder, "*.npy")) {
      for (var file : files) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  private Path folder(Model.Loaded loaded, String address) {
    return subject
        .folder()
        .path()
        .resolve(FOLDER)
        .resolve(loaded.checkpoint().getFileName() + "-" + digest(address).substring(0, 16));
  }

  /** A line for each setting that the samples depend on. */
  static String address(Evaluation.Subject subject, long weights) {
    var lines = new ArrayList<String>();
    lines.add("samples: " + VERSION);
    lines.add("seed: " + subject.seed());
    var compute = subject.model().compute();
    lines.add("device: " + compute.device().toString().toLowerCase(Locale.ROOT));
    lines.add("precision: " + compute.precision());
    lines.add(String.format(Locale.ROOT, "weights: %08x", weights));
    var settings = ConfigYaml.section(subject.sampling());
    var names = new ArrayList<String>();
    settings.fieldNames().forEachRemaining(names::add);
    var denoises = !subject.model().config().network().autoregressive();
    names.stream()
        .filter(name -> !(denoises && SamplerConfig.OF_NEXT_SYMBOL.contains(name)))
        .sorted()
        .forEach(name -> lines.add("sampling.%s: %s".formatted(name, settings.get(name).asText())));
    return String.join("\n", lines) + "\n";
  }

  private static String digest(String text) {
    try {
      var sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(text.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Where they are kept; empty where they are not. */
  public Optional<Path> folder() {
    return Optional.ofNullable(folder);
  }

  /** How many have been drawn by this object, as they were not there. */
  public int drawn() {
    return drawn;
  }

  /** Of those that were drawn; empty where none were. */
  public Optional<Double> perSecond() {
    return drawn == 0 ? Optional.empty() : Optional.of(drawn / seconds);
  }

  /**
   * The piece of the samples that begins with one: that of before, or a new one.
   *
   * @param first a multiple of {@link #PIECE}
   * @throws DataException if it cannot be kept, or that of before is damaged
   * @throws java.util.concurrent.CancellationException if the subject's listener said to end
   */
  public Samples piece(int first) {
    if (folder == null) {
      if (last == null || first < lastFirst || first >= lastFirst + last.count()) {
        last = request(first, Math.min(n, first + Math.max(1, subject.batch() / PIECE) * PIECE));
        lastFirst = first;
      }
      return last.part(first - lastFirst, size(first));
    }
    if (kept(first).isEmpty()) {
      draw(first);
    }
    var file = kept(first).orElseThrow();
    var space = subject.model().config().schema().space();
    try {
      var array = Npy.read(file);
      if (Arrays.equals(array.shape(), shape(size(first)))
          && file.equals(file(first, array.values()))) {
        return new Samples(space, array.values());
      }
    } catch (DataException e) {
      throw new DataException(e.getMessage() + "; delete it, and it is drawn again", e);
    }
    throw new DataException(file + " is not what was drawn; delete it");
  }

  /** Draws a piece, and those after it that are missing as far as one batch goes. */
  private void draw(int first) {
    var end = first + size(first);
    while (end < n && end + size(end) - first <= subject.batch() && kept(end).isEmpty()) {
      end += size(end);
    }
    var samples = request(first, end);
    WholeFile.write(folder.resolve("settings.yaml"), out -> out.write(address.getBytes(UTF_8)));
    for (var at = first; at < end; at += PIECE) {
      var piece = samples.part(at - first, size(at));
      Npy.write(
          file(at, piece.symbols()),
          piece.symbols(),
          shape(size(at)),
          samples.space().mostCategories());
    }
  }

  /** Draws samples first .. end - 1. */
  private Samples request(int first, int end) {
    var start = System.nanoTime();
    var request =
        new SampleRequest(
            subject.sampling(),
            subject.seed(),
            first,
            end - first,
            conditions.of(first, end - first),
            Optional.empty());
    var samples = subject.model().sampleAll(request, subject.batch(), subject.listener());
    seconds += (System.nanoTime() - start) / 1e9;
    drawn += end - first;
    return samples;
  }

  /** How many samples the piece has that begins with one. */
  private int size(int first) {
    return Math.min(PIECE, n - first);
  }

  private int[] shape(int count) {
    var shape = new ArrayList<>(List.of(count));
    shape.addAll(subject.model().config().schema().space().shape());
    return shape.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The file of a piece, if there is one. */
  private Optional<Path> kept(int first) {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    try (var files = Files.newDirectoryStream(folder, name(first) + CHECKSUM + "*.npy")) {
      return StreamSupport.stream(files.spliterator(), false).min(Comparator.naturalOrder());
    } catch (IOException e) {
      throw DataException.cannotRead(folder, e);
    }
  }

  /** The file of a piece, whose name has the checksum of its symbols. */
  private Path file(int first, int[] symbols) {
    var checksum = new CRC32();
    for (var symbol : symbols) {
      for (var shift = 24; shift >= 0; shift -= 8) {
        checksum.update(symbol >>> shift);
      }
    }
    return folder.resolve(
        String.format(Locale.ROOT, "%s%s%08x.npy", name(first), CHECKSUM, checksum.getValue()));
  }

  private String name(int first) {
    var count = size(first);
    var given = conditions.of(first, count);
    var conditioned =
        given.labels().length == 0 && given.pixels().length == 0
            ? ""
            : "-given-%08x"
                .formatted(31 * Arrays.hashCode(given.labels()) + Arrays.hashCode(given.pixels()));
    return String.format(Locale.ROOT, "samples-%07d-%07d%s", first, first + count, conditioned);
  }
}
