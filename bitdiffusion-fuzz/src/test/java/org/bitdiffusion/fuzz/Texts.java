package org.bitdiffusion.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.metrics.CaptionFile;
import org.bitdiffusion.text.ByteTokenizer;
import org.bitdiffusion.text.CaptionCorpus;
import org.bitdiffusion.text.Tokenizer;
import org.bitdiffusion.text.WordTokenizer;

/** Captions without images, and tokenizers. */
final class Texts {
  private static final byte[] RESULTS =
      "[{\"image_id\": 42, \"caption\": \"a dog\"}, {\"image_id\": 1e1, \"caption\": \"\"}]"
          .getBytes(UTF_8);
  private static final byte[] LINES =
      "{\"id\": 42, \"text\": \"a dog\"}\n{\"id\": \"x\", \"text\": \"two\"}\n".getBytes(UTF_8);
  private static final byte[] ANNOTATIONS =
      "{\"annotations\": [{\"id\": 7, \"image_id\": 1, \"caption\": \"a dog\"}]}".getBytes(UTF_8);

  static final List<Target> TARGETS =
      List.of(
          Target.file(
              "scored-captions", "a.json", List.of(RESULTS, LINES, ANNOTATIONS), CaptionFile::read),
          corpus("corpus-json", "a.json", ANNOTATIONS),
          corpus("corpus-jsonl", "a.jsonl", LINES),
          corpus("corpus-txt", "a.txt", LINES),
          Target.of(
              "tokenizer",
              List.of(resource("wordpiece.json"), resource("unigram.json"), words(), bytes()),
              Texts::tokenizer));

  private Texts() {}

  private static Target corpus(String name, String file, byte[] honest) {
    return Target.file(
        name, file, List.of(honest), read -> new CaptionCorpus(read).read(caption -> {}));
  }

  private static byte[] resource(String name) {
    try (var in = Texts.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] words() {
    return Arrays.written(
        ".json", file -> WordTokenizer.learn(List.of("a dog", "two dogs"), 10).save(file));
  }

  private static byte[] bytes() {
    return Arrays.written(".json", file -> new ByteTokenizer().save(file));
  }

  private static void tokenizer(byte[] input, Path folder) throws IOException {
    var file = Files.write(folder.resolve("tokenizer.json"), input);
    try (var tokenizer = Tokenizer.load(file)) {
      var last = tokenizer.vocabulary() - 1;
      tokenizer.token(last);
      tokenizer.decode(new int[] {0, last, tokenizer.end()}, 0, 3);
      tokenizer.encode("a dog", 8);
      tokenizer.save(file);
      try (var again = Tokenizer.load(file)) {
        Arrays.requireSame(again.vocabulary() == tokenizer.vocabulary(), "vocabulary");
        Arrays.requireSame(again.token(last).equals(tokenizer.token(last)), "last token");
        Arrays.requireSame(again.end() == tokenizer.end(), "end");
      }
    }
  }
}
