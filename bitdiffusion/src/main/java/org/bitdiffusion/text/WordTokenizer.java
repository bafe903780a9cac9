package org.bitdiffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.WholeFile;

/**
 * Words in lower case. A word is a run of letters and digits, with apostrophes within it; every
 * other mark is a word of its own. Id 0 is padding, 1 the end, 2 any unknown word; the words of the
 * vocabulary follow, the most frequent first.
 */
public final class WordTokenizer implements Tokenizer {
  static final String TYPE = "words";

  private static final List<String> SPECIAL = List.of("<pad>", "</s>", "<unk>");
  private static final int UNKNOWN = 2;
  private static final Pattern WORD =
      Pattern.compile(
          "[\\p{L}\\p{M}\\p{N}]+(?:['\u2019][\\p{L}\\p{M}\\p{N}]+)*|\\S",
          Pattern.UNICODE_CHARACTER_CLASS); // so that the blanks of all scripts separate words

  private final List<String> tokens; // by id
  private final Map<String, Integer> ids;

  private WordTokenizer(List<String> words) {
    var all = new ArrayList<>(SPECIAL);
    all.addAll(words);
    tokens = List.copyOf(all);
    var byWord = new HashMap<String, Integer>();
    for (var id = SPECIAL.size(); id < tokens.size(); id++) {
      byWord.put(tokens.get(id), id);
    }
    ids = Map.copyOf(byWord);
  }

  /**
   * The vocabulary of captions: their most frequent words; of words that are equally frequent, the
   * first ones of the alphabet.
   *
   * @param most the most tokens, with the three special ones
   */
  public static WordTokenizer learn(Iterable<String> captions, int most) {
    if (most <= SPECIAL.size()) {
      throw new ConfigurationException(
          "a vocabulary of %d is too small for words; it must be at least %d"
              .formatted(most, SPECIAL.size() + 1));
    }
    var counts = new HashMap<String, Long>();
    for (var caption : captions) {
      for (var word : words(caption)) {
        counts.merge(word, 1L, Long::sum);
      }
    }
    return new WordTokenizer(
        counts.entrySet().stream()
            .sorted(
                Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .limit(most - SPECIAL.size())
            .map(Map.Entry::getKey)
            .toList());
  }

  /** Reads what {@link #save} wrote. */
  static WordTokenizer read(Path file, JsonNode json) {
    var words = new ArrayList<String>();
    for (var word : json.path("words")) {
      if (!word.isTextual() || !words(word.textValue()).equals(List.of(word.textValue()))) {
        throw new DataException(
            "%s is damaged: entry %d of its words is %s, which is no word"
                .formatted(file, words.size(), word));
      }
      words.add(word.textValue());
    }
    if (!json.path("words").isArray() || new HashSet<>(words).size() < words.size()) {
      throw new DataException(file + " is damaged: it has no list of different words");
    }
    return new WordTokenizer(words);
  }

  private static List<String> words(String text) {
    return WORD.matcher(text.toLowerCase(Locale.ROOT))
        .results()
        .map(match -> match.group())
        .toList();
  }

  @Override
  public int vocabulary() {
    return tokens.size();
  }

  @Override
  public int end() {
    return 1;
  }

  @Override
  public int padding() {
    return 0;
  }

  @Override
  public String token(int id) {
    return tokens.get(id);
  }

  @Override
  public int count(String text) {
    return words(text).size();
  }

  @Override
  public Tokens encode(String text, int length) {
    Tokens.requireRoom(length);
    var content = words(text).stream().mapToInt(word -> ids.getOrDefault(word, UNKNOWN)).toArray();
    return Tokens.of(content, Math.min(content.length, length - 1), length, end(), padding());
  }

  /** As the interface has it; an unknown word becomes {@code <unk>}. */
  @Override
  public String decode(int[] ids, int offset, int length) {
    var text = new StringBuilder();
    var glued = true; // nothing comes before the first word
    for (var id : Tokens.content(ids, offset, length, vocabulary(), end(), padding())) {
      var token = tokens.get(id);
      var first = id == UNKNOWN ? 'x' : token.codePointAt(0);
      if (!glued && !gluesLeft(first)) {
        text.append(' ');
      }
      text.append(token);
      glued = gluesRight(first);
    }
    return text.toString();
  }

  /** Whether a mark follows a word without a space: punctuation that opens nothing. */
  private static boolean gluesLeft(int mark) {
    return switch (Character.getType(mark)) {
      case Character.OTHER_PUNCTUATION -> "&@#*".indexOf(mark) < 0; // these stand for words
      case Character.END_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.DASH_PUNCTUATION ->
          true;
      default -> false;
    };
  }

  /** Whether a word follows a mark without a space: brackets, and the dash within a word. */
  private static boolean gluesRight(int mark) {
    return switch (Character.getType(mark)) {
      case Character.START_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.DASH_PUNCTUATION ->
          true;
      default -> false;
    };
  }

  @Override
  public void save(Path file) {
    var json = new ObjectMapper();
    var root = json.createObjectNode().put("type", TYPE);
    var words = root.putArray("words");
    tokens.stream().skip(SPECIAL.size()).forEach(words::add);
    WholeFile.write(
        file, out -> out.write(json.writerWithDefaultPrettyPrinter().writeValueAsBytes(root)));
  }

  @Override
  public void close() {}
}
