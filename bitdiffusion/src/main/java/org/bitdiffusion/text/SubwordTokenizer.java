package org.bitdiffusion.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.util.Utils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.runtime.Lifetime;
import org.bitdiffusion.runtime.NativeCode;

/**
 * Whatever a {@code tokenizer.json} describes: byte-pair encoding, SentenceSpelling's unigrams,
 * WordPiece. The file's normalizer, model and decoder are run by Hugging Face's native library; its
 * templates of special tokens, its truncation and its padding are not.
 *
 * <p>The end and the padding are the first of the usual names among the file's added tokens. A file
 * with an end but no padding, such as GPT-2's, pads with the end.
 */
public final class SubwordTokenizer implements Tokenizer {
  private static final List<String> ENDS =
      List.of("</s>", "<|endoftext|>", "<|end_of_text|>", "<eos>", "[EOS]", "[SEP]");
  private static final List<String> PADDINGS = List.of("<pad>", "[PAD]", "<|padding|>", "<|pad|>");

  /** Begins the names that no text has: U+FFFE is no character, and stays none. */
  private static final String NO_TEXT = "\ufffe";

  private final Lifetime lifetime = new Lifetime("the tokenizer");
  private final byte[] file;
  private final Map<Integer, String> tokens;
  private final int vocabulary;
  private final int end;
  private final int padding;
  private final HuggingFaceTokenizer library;

  /** Tokens that the file adds to those of its model. */
  private final Set<Integer> added;

  /** What a word's last token ends with, where the decoder does not know it; else empty. */
  private final String wordEnd;

  /** Far above those of any vocabulary, and below those that a network's output can tell apart. */
  private static final int LARGEST_ID = (1 << 24) - 1;

  private SubwordTokenizer(
      byte[] file,
      Map<Integer, String> tokens,
      Set<Integer> added,
      int end,
      int padding,
      String wordEnd,
      HuggingFaceTokenizer library) {
    this.file = file;
    this.added = added;
    this.wordEnd = wordEnd;
    this.tokens = tokens;
    this.vocabulary = 1 + tokens.keySet().stream().mapToInt(id -> id).max().orElseThrow();
    this.end = end;
    this.padding = padding;
    this.library = library;
  }

  static SubwordTokenizer read(Path file, byte[] content, JsonNode json) {
    var model = json.path("model").path("vocab");
    if (model.isEmpty()) {
      throw new DataException(
          file + " is no tokenizer: it has no model with a vocab, as a tokenizer.json has");
    }
    var tokens = new HashMap<Integer, String>();
    if (model.isArray()) { // unigrams: pairs of a piece and its score, in the order of their ids
      for (var i = 0; i < model.size(); i++) {
        tokens.put(i, model.get(i).path(0).asText());
      }
    } else {
      for (var entry : model.properties()) {
        put(file, tokens, id(file, entry.getKey(), entry.getValue()), entry.getKey());
      }
    }
    var added = new HashMap<String, Integer>();
    for (var token : json.path("added_tokens")) {
      var name = token.path("content").asText();
      added.put(name, id(file, name, token.path("id")));
      put(file, tokens, added.get(name), name);
    }
    var end = first(ENDS, added);
    if (end < 0) {
      throw new ConfigurationException(
          "%s has no token that ends a text; add one of %s to its added_tokens"
              .formatted(file, String.join(", ", ENDS)));
    }
    var named = first(PADDINGS, added);
    var padding = named < 0 ? end : named;
    return new SubwordTokenizer(
        content,
        Map.copyOf(tokens),
        Set.copyOf(added.values()),
        end,
        padding,
        wordEnd(json),
        open(file, withoutNames(json, Set.copyOf(List.of(tokens.get(end), tokens.get(padding))))));
  }

  private static void put(Path file, Map<Integer, String> tokens, int id, String token) {
    var before = tokens.put(id, token);
    if (before != null && !before.equals(token)) {
      throw new DataException(
          "%s is damaged: '%s' and '%s' both have the id %d".formatted(file, before, token, id));
    }
  }

  /** Of files of CLIP's kind, whose decoder knows bytes only. */
  private static String wordEnd(JsonNode json) {
    var decoders = json.path("decoder").findValuesAsText("type");
    return decoders.contains("ByteLevel") && !decoders.contains("BPEDecoder")
        ? json.path("model").path("end_of_word_suffix").asText("")
        : "";
  }

  /**
   * The file with names that no text has, in the place of some. A text that spells them would be
   * taken for the tokens otherwise, also where it does so only once the normalizer has changed it.
   */
  private static byte[] withoutNames(JsonNode json, Set<String> names) {
    var changed = (ObjectNode) json.deepCopy();
    if (changed.path("added_tokens") instanceof ArrayNode all) {
      for (var i = all.size() - 1; i >= 0; i--) {
        if (names.contains(all.get(i).path("content").asText())) {
          all.remove(i);
        }
      }
    }
    var model = (ObjectNode) changed.get("model");
    if (model.get("vocab") instanceof ArrayNode unigrams) {
      for (var unigram : unigrams) {
        if (names.contains(unigram.path(0).asText())) {
          ((ArrayNode) unigram).set(0, NO_TEXT + unigram.path(0).asText());
        }
      }
    } else if (model.get("vocab") instanceof ObjectNode vocabulary) {
      for (var name : names) {
        // What stands for all that is unknown keeps its name.
        if (vocabulary.has(name) && !model.path("unk_token").asText().equals(name)) {
          vocabulary.set(NO_TEXT + name, vocabulary.remove(name));
        }
      }
    }
    if (model.path("merges") instanceof ArrayNode merges) {
      for (var i = merges.size() - 1; i >= 0; i--) {
        var parts = merge(merges.get(i));
        if (names.contains(String.join("", parts)) || !Collections.disjoint(names, parts)) {
          merges.remove(i);
        }
      }
    }
    return changed.toString().getBytes(UTF_8);
  }

  /** Two tokens, as a list or with a space between them. */
  private static List<String> merge(JsonNode merge) {
    return merge.isArray()
        ? List.of(merge.path(0).asText(), merge.path(1).asText())
        : List.of(merge.asText().split(" ", 2));
  }

  private static int id(Path file, String token, JsonNode id) {
    if (!id.isIntegralNumber()
        || !id.canConvertToInt()
        || id.intValue() < 0
        || id.intValue() > LARGEST_ID) {
      throw new DataException(
          "%s is damaged: the id of '%s' is %s; it must be 0 to %d"
              .formatted(file, token, id.asText("missing"), LARGEST_ID));
    }
    return id.intValue();
  }

  private static int first(List<String> names, Map<String, Integer> added) {
    return names.stream().filter(added::containsKey).findFirst().map(added::get).orElse(-1);
  }

  /**
   * Loads the native library on the first call, and nothing but it. Left alone, its loader would
   * report each use to its makers, and fetch a library for a GPU or for a platform that its jar
   * lacks.
   */
  private static HuggingFaceTokenizer open(Path file, byte[] content) {
    System.setProperty("ai.djl.offline", "true");
    if (!Utils.isOfflineMode()) {
      throw new ConfigurationException(
          "DJL_OFFLINE is %s, which would let the tokenizers' library download; unset it"
              .formatted(System.getenv("DJL_OFFLINE")));
    }
    var cache = NativeCode.TOKENIZERS.folder();
    var options = Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(content), options);
    } catch (IOException | EngineException | LinkageError e) {
      // What its loader says of this is not for people.
      throw new DataException(
          ("the tokenizers' native library for %s on %s cannot be unpacked to %s and loaded; make"
                  + " room there, or choose another place with DJL_CACHE_DIR")
              .formatted(System.getProperty("os.name"), System.getProperty("os.arch"), cache),
          e);
    } catch (RuntimeException e) { // the type of all that the native code throws
      throw new DataException(file + " is no tokenizer: " + firstLine(e), e);
    }
  }

  private static String firstLine(Throwable e) {
    var cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    var message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    return message.lines().findFirst().orElse(message);
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }

  @Override
  public int end() {
    return end;
  }

  @Override
  public int padding() {
    return padding;
  }

  /** As the file writes it: among bytes, for example, a space is the letter Ġ. */
  @Override
  public String token(int id) {
    return tokens.getOrDefault(id, "");
  }

  @Override
  public int count(String text) {
    return spelling(text).ids().length;
  }

  /**
   * As the interface has it; tokens that share a character are cut off together. Text that spells
   * the end or the padding is text.
   */
  @Override
  public Tokens encode(String text, int length) {
    Tokens.requireRoom(length);
    var spelling = spelling(text);
    var kept = spelling.ids().length;
    if (kept >= length) {
      kept = length - 1;
      while (kept > 0 && !spelling.starts().get(kept)) {
        kept--;
      }
    }
    return Tokens.of(spelling.ids(), kept, length, end(), padding());
  }

  /**
   * A text.
   *
   * @param ids its tokens
   * @param starts for each token, whether it begins at a character that no token before it has
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  private record Spelling(int[] ids, List<Boolean> starts) {}

  private Spelling spelling(String text) {
    Encoding encoding;
    try (var use = lifetime.use()) {
      encoding = library.encode(text, false, false);
    } catch (IllegalStateException e) {
      throw e; // closed
    } catch (RuntimeException e) { // the library throws no other
      throw new DataException(
          "the tokenizer has no tokens for '%s': %s"
              .formatted(text.length() > 40 ? text.substring(0, 40) + "..." : text, e.getMessage()),
          e);
    }
    var spelt = encoding.getIds();
    var ids = new int[spelt.length];
    var starts = new ArrayList<Boolean>();
    var count = 0;
    for (var i = 0; i < spelt.length; i++) {
      if (spelt[i] != end && spelt[i] != padding) { // where that stands for what is unknown
        ids[count++] = (int) spelt[i];
        starts.add(startsCharacter(encoding, i));
      }
    }
    return new Spelling(Arrays.copyOf(ids, count), starts);
  }

  private static boolean startsCharacter(Encoding encoding, int i) {
    var spans = encoding.getCharTokenSpans();
    return i == 0
        || spans[i] == null
        || spans[i - 1] == null
        || spans[i].getStart() >= spans[i - 1].getEnd();
  }

  /**
   * As the interface has it. The file's decoder joins the tokens; special tokens other than the end
   * and the padding stay visible.
   */
  @Override
  public String decode(int[] ids, int offset, int length) {
    var content = Tokens.content(ids, offset, length, vocabulary(), end(), padding());
    try (var use = lifetime.use()) {
      return wordEnd.isEmpty() ? joined(content) : words(content);
    }
  }

  private String joined(int[] content) {
    return content.length == 0
        ? ""
        : library.decode(Arrays.stream(content).asLongStream().toArray(), false);
  }

  /** Words with spaces between them, where the file's decoder leaves what ends a word as text. */
  private String words(int[] content) {
    var text = new StringJoiner(" ");
    var begin = 0;
    for (var i = 0; i < content.length; i++) {
      var ended = token(content[i]).endsWith(wordEnd);
      if (ended || added.contains(content[i]) || i == content.length - 1) {
        var word = joined(Arrays.copyOfRange(content, begin, i + 1));
        text.add(ended ? word.substring(0, word.length() - wordEnd.length()) : word);
        begin = i + 1;
      }
    }
    return text.toString();
  }

  /** The file as it was read, to the last byte. */
  @Override
  public void save(Path file) {
    WholeFile.write(file, out -> out.write(this.file));
  }

  @Override
  public void close() {
    lifetime.close(library::close);
  }
}
