package org.bitdiffusion.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.RegularFile;

/**
 * Text as token ids in {@code 0 .. K-1}, and back. End of text and padding are ids like any other,
 * counted in K, so that a model learns where captions end as it learns the rest.
 *
 * <p>Tokenizers are immutable and may be used by several threads at once. Closing one frees native
 * memory, if it holds any, once the calls in progress have ended; it refuses to read and write text
 * then, by an {@link IllegalStateException}.
 */
public sealed interface Tokenizer extends AutoCloseable
    permits ByteTokenizer, WordTokenizer, SubwordTokenizer {
  /**
   * The tokenizer of a name: {@code bytes}, {@code words}, or the path of a {@code tokenizer.json}.
   *
   * @param captions from which {@code words} takes its vocabulary; the others do not read them
   * @param vocabulary the most tokens that {@code words} may have
   * @throws ConfigurationException if there is no such tokenizer
   * @throws DataException if the file is damaged
   */
  static Tokenizer of(String name, Iterable<String> captions, int vocabulary) {
    return switch (name) {
      case "bytes" -> new ByteTokenizer();
      case "words" -> WordTokenizer.learn(captions, vocabulary);
      default -> load(existing(name));
    };
  }

  private static Path existing(String name) {
    try {
      var file = Path.of(name);
      if (Files.exists(file)) {
        return file;
      }
    } catch (InvalidPathException e) {
      // no path at all; reported below
    }
    throw new ConfigurationException(
        "tokenizer '"
            + name
            + "' is unknown and no file; use bytes, words or the path of a tokenizer.json");
  }

  /**
   * Reads what {@link #save} wrote, or the {@code tokenizer.json} of another program.
   *
   * @throws DataException if the file cannot be read or is no tokenizer
   * @throws ConfigurationException if it has no token that ends a text
   */
  static Tokenizer load(Path file) {
    byte[] content;
    JsonNode json;
    try {
      content = Files.readAllBytes(RegularFile.require(file));
      json = new ObjectMapper().readTree(content);
    } catch (JsonProcessingException e) {
      throw new DataException(
          "%s is no tokenizer: line %d is no JSON"
              .formatted(file, e.getLocation() == null ? 1 : e.getLocation().getLineNr()),
          e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    // Only files of our own have a type at the top.
    return switch (json.path("type").asText()) {
      case ByteTokenizer.TYPE -> new ByteTokenizer();
      case WordTokenizer.TYPE -> WordTokenizer.read(file, json);
      default -> SubwordTokenizer.read(file, content, json);
    };
  }

  /** K, the number of ids, those of end and padding among them. */
  int vocabulary();

  /** The id after the last token of a text. */
  int end();

  /** The id that fills a row after the end; it may be the same as {@link #end()}. */
  int padding();

  /** A token as people read it. */
  String token(int id);

  /** The number of tokens of a text, without the end token. */
  int count(String text);

  /**
   * The tokens of a text, then the end token, then padding: {@code length} ids. A text that is too
   * long loses its last tokens, so that every row has an end.
   *
   * @param length at least 1
   * @throws DataException if the text cannot be written in these tokens
   */
  Tokens encode(String text, int length);

  /**
   * The text of {@code length} ids from {@code offset} on, up to the first end token; padding
   * before it is left out.
   *
   * @throws IllegalArgumentException if an id before the first end is not in 0 .. K-1
   */
  String decode(int[] ids, int offset, int length);

  /**
   * Writes the tokenizer as one file, which {@link #load} reads back.
   *
   * @throws DataException if it cannot be written
   */
  void save(Path file);

  @Override
  void close();
}
