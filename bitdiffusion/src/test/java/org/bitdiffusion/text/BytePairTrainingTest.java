package org.bitdiffusion.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.text.BytePairTraining.Learned;
import org.bitdiffusion.text.BytePairTraining.Merge;

class BytePairTrainingTest {
  /** The cuts of "ByteLevel" as its format defines them, by an expression. */
  private static final Pattern PARTS =
      Pattern.compile(
          "'(?:[stmd]|re|ve|ll)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final int VOCABULARY = 700;

  private static Path file;
  private static Learned learned;
  private static Tokenizer tokenizer;

  @BeforeContainer
  static void train() throws IOException {
    file = Files.createTempDirectory("tokenizers").resolve("tokenizer.json");
    learned = training(captions(2000)).learn(VOCABULARY);
    learned.save(file);
    tokenizer = Tokenizer.load(file);
  }

  @AfterContainer
  static void clean() throws IOException {
    tokenizer.close();
    Files.delete(file);
    Files.delete(file.getParent());
  }

  /** Sentences of made-up words, some of them not of ASCII. */
  private static List<String> captions(int count) {
    var random = new Random(7);
    var syllables = "la ne ri to éa kus 猫 ban dog 12 st'".split(" ");
    return IntStream.range(0, count)
        .mapToObj(
            i -> {
              var caption = new StringBuilder();
              for (var word = 2 + random.nextInt(8); word > 0; word--) {
                for (var part = 1 + random.nextInt(3); part > 0; part--) {
                  // squared, so that some are frequent
                  var share = random.nextDouble();
                  caption.append(syllables[(int) (share * share * syllables.length)]);
                }
                caption.append(word > 1 ? " " : ".");
              }
              return caption.toString();
            })
        .toList();
  }

  private static BytePairTraining training(List<String> captions) {
    var training = new BytePairTraining();
    captions.forEach(training::add);
    return training;
  }

  private static List<String> parts(String text) {
    return PARTS.matcher(text).results().map(match -> match.group()).toList();
  }

  /**
   * Tokens of one part: of all pairs that may be merged, the first one learned, again and again.
   */
  private static List<Integer> merged(String part) {
    var ids = new ArrayList<Integer>();
    for (var b : part.getBytes(UTF_8)) {
      ids.add(2 + Byte.toUnsignedInt(b));
    }
    while (true) {
      var first = Integer.MAX_VALUE;
      for (var i = 0; i + 1 < ids.size(); i++) {
        var rank = learned.merges().indexOf(new Merge(ids.get(i), ids.get(i + 1)));
        first = rank < 0 ? first : Math.min(first, rank);
      }
      if (first == Integer.MAX_VALUE) {
        return ids;
      }
      var merge = learned.merges().get(first);
      var token = learned.tokens().get(merge.left()) + learned.tokens().get(merge.right());
      for (var i = 0; i + 1 < ids.size(); i++) {
        if (ids.get(i) == merge.left() && ids.get(i + 1) == merge.right()) {
          ids.set(i, learned.tokens().indexOf(token));
          ids.remove(i + 1);
        }
      }
    }
  }

  private static List<Integer> reference(String text) {
    return parts(text).stream().flatMap(part -> merged(part).stream()).toList();
  }

  private static List<Integer> encode(String text) {
    var count = tokenizer.count(text);
    return Arrays.stream(tokenizer.encode(text, count + 1).ids()).limit(count).boxed().toList();
  }

  @Provide
  Arbitrary<String> texts() {
    return TokenizerTest.texts();
  }

  @Example
  void mergesTheMostFrequentPairFirst() {
    // ab 5 times, bc 4, cd 2; after ab is one token, bc is left twice, as is cd
    var small = training(List.of("abc", "abc", "ab", "ab", "ab", "bcd", "bcd")).learn(300);
    var letters = Map.of('a', 2 + 'a', 'b', 2 + 'b', 'c', 2 + 'c', 'd', 2 + 'd');
    var bc = 259; // ab is 258
    assertThat(small.merges())
        .containsExactly(
            new Merge(letters.get('a'), letters.get('b')),
            new Merge(letters.get('b'), letters.get('c')),
            new Merge(258, letters.get('c')),
            new Merge(bc, letters.get('d')));
    assertThat(small.tokens().subList(258, 262)).containsExactly("ab", "bc", "abc", "bcd");
    assertThat(small.tokens()).hasSize(262);
  }

  /** What is counted pair by pair as it changes is what counting anew at every step gives. */
  @Property(tries = 30)
  void countsAsIfItCountedAnew(@ForAll @IntRange(min = 0, max = 1 << 20) int seed) {
    var random = new Random(seed);
    var words =
        IntStream.range(0, 60)
            .mapToObj(i -> random.ints(2 + random.nextInt(8), 'a', 'd'))
            .map(
                c ->
                    c.collect(
                        StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append))
            .map(StringBuilder::toString)
            .toList();
    var fast = training(words).learn(330);

    var tokens = new ArrayList<>(fast.tokens().subList(0, 258));
    var merges = new ArrayList<Merge>();
    var lists = new ArrayList<List<Integer>>();
    words.forEach(w -> lists.add(new ArrayList<>(w.chars().map(c -> c + 2).boxed().toList())));
    while (tokens.size() < 330) {
      var counts = new TreeMap<Merge, Integer>();
      for (var list : lists) {
        for (var i = 0; i + 1 < list.size(); i++) {
          counts.merge(new Merge(list.get(i), list.get(i + 1)), 1, Integer::sum);
        }
      }
      var most = counts.isEmpty() ? 0 : Collections.max(counts.values());
      if (most < 2) {
        break;
      }
      var best = counts.keySet().stream().filter(p -> counts.get(p) == most).findFirst().get();
      var token = tokens.get(best.left()) + tokens.get(best.right());
      if (!tokens.contains(token)) {
        tokens.add(token);
      }
      if (!merges.contains(best)) {
        merges.add(best);
      }
      for (var list : lists) {
        for (var i = 0; i + 1 < list.size(); i++) {
          if (list.get(i) == best.left() && list.get(i + 1) == best.right()) {
            list.set(i, tokens.indexOf(token));
            list.remove(i + 1);
          }
        }
      }
    }
    assertThat(fast.tokens()).isEqualTo(tokens);
    assertThat(fast.merges()).isEqualTo(merges);
  }

  @Example
  void theLibraryReadsTheVocabulary() throws IOException {
    assertThat(tokenizer).isInstanceOf(SubwordTokenizer.class);
    assertThat(tokenizer.vocabulary()).isEqualTo(VOCABULARY);
    assertThat(tokenizer.padding()).isZero();
    assertThat(tokenizer.end()).isEqualTo(1);
    assertThat(new ObjectMapper().readTree(file.toFile()).path("model").path("vocab"))
        .hasSize(VOCABULARY);
  }

  @Example
  void theLibraryEncodesCaptionsAsTheMergesSay() {
    for (var caption : captions(2300).subList(1900, 2300)) {
      assertThat(encode(caption)).as(caption).isEqualTo(reference(caption));
    }
    var ids = encode(captions(1).get(0));
    assertThat(ids.size()).isLessThan(captions(1).get(0).length() / 2);
  }

  /** Of characters as old as Java 17 and older: newer letters are marks to one of the two. */
  @Property(tries = 500)
  void theLibraryEncodesAnyTextAsTheMergesSay(@ForAll("texts") String text) {
    // where text spells the end, it is taken apart within a part
    var plain =
        text.replace("</s>", "")
            .codePoints()
            .filter(c -> c < 0x500 || c > 0x3000 && c < 0x9000 || c > 0x1f300 && c < 0x1f500)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    assertThat(encode(plain)).isEqualTo(reference(plain));
  }

  @Property(tries = 500)
  void anyTextComesBack(@ForAll("texts") String text) {
    var row = tokenizer.encode(text, tokenizer.count(text) + 2);
    assertThat(row.cut()).isFalse();
    assertThat(tokenizer.decode(row.ids(), 0, row.ids().length)).isEqualTo(text);
  }

  @Property(tries = 300)
  void noCharacterIsCut(
      @ForAll("texts") String text, @ForAll @IntRange(min = 1, max = 12) int length) {
    var row = tokenizer.encode(text, length);
    assertThat(text).startsWith(tokenizer.decode(row.ids(), 0, length));
    assertThat(row.ids()).hasSize(length).contains(1);
  }

  @Property(tries = 500)
  void cutsTextAsTheFormatSays(@ForAll("texts") String text) {
    var found = new ArrayList<String>();
    ByteLevelWords.split(text, found::add);
    assertThat(found).isEqualTo(parts(text));
    assertThat(String.join("", found)).isEqualTo(text);
  }

  @Example
  void theOrderOfCaptionsDoesNotMatter() throws IOException {
    var shuffled = new ArrayList<>(captions(2000));
    Collections.shuffle(shuffled, new Random(3));
    var again = training(shuffled).learn(VOCABULARY);
    assertThat(again).isEqualTo(learned);
    var copy = file.resolveSibling("copy.json");
    again.save(copy);
    assertThat(copy).hasSameBinaryContentAs(file);
    Files.delete(copy);
  }

  @Example
  void allBytesHaveTheirOwnCharacter() {
    var alphabet = new HashMap<Character, Integer>();
    for (var c : ByteAlphabet.characters().toCharArray()) {
      alphabet.put(c, alphabet.size());
    }
    assertThat(alphabet).hasSize(256).containsEntry('a', 97).containsEntry('Ġ', 32);
    assertThat(alphabet).containsEntry('Ċ', 10).containsEntry('ÿ', 255).containsEntry('Ń', 0xad);
  }

  @Example
  void stopsWhereNothingIsLeftToLearn() {
    assertThat(training(List.of("unique words only")).learn(300).tokens()).hasSize(258);
    for (var vocabulary : new int[] {258, 65_537}) {
      assertThatThrownBy(() -> new BytePairTraining().learn(vocabulary))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("259 to 65,536");
    }
  }
}
