package org.bitdiffusion.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;

class TokenizerTest {
  private static final List<String> CAPTIONS =
      List.of("A dog runs.", "A dog's ball (red).", "The dog and a cat", "a CAT!");

  private final Tokenizer bytes = Tokenizer.of("bytes", List.of(), 0);

  private static String decode(Tokenizer tokenizer, int... ids) {
    return tokenizer.decode(ids, 0, ids.length);
  }

  private static String again(Tokenizer tokenizer, String text) {
    return decode(tokenizer, tokenizer.encode(text, tokenizer.count(text) + 3).ids());
  }

  /** Text of all planes of Unicode, without halves of surrogate pairs. */
  @Provide
  static Arbitrary<String> texts() {
    var common =
        Arbitraries.of("a", "dog", " ", "  ", "\n", "'s", "é", "猫", "😀", ".", "1", "</s>");
    var any =
        Arbitraries.integers()
            .between(1, Character.MAX_CODE_POINT)
            .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
            .map(Character::toString);
    return Arbitraries.oneOf(common, any).list().ofMaxSize(12).map(parts -> String.join("", parts));
  }

  @Example
  void bytesAreThoseOfUtf8() {
    assertThat(bytes.vocabulary()).isEqualTo(256);
    assertThat(bytes.encode("aé", 6).ids()).containsExactly(97, 0xc3, 0xa9, 0, 0, 0);
    assertThat(bytes.encode("aé", 6).cut()).isFalse();
    assertThat(decode(bytes, 97, 0xc3, 0xa9, 0, 98, 300)).isEqualTo("aé");
    assertThat(decode(bytes, 97, 0xc3, 98)).isEqualTo("a\ufffdb");
    assertThat(bytes.token(97) + " " + bytes.token(0xc3)).isEqualTo("a 0xc3");
    assertThatThrownBy(() -> decode(bytes, 256)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> bytes.encode("a\0b\n", 9))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("U+0000")
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> bytes.encode("a", 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Example
  void bytesAreCutBetweenCharacters() {
    assertThat(bytes.encode("a😀b", 5).ids()).containsExactly(97, 0, 0, 0, 0);
    assertThat(bytes.encode("a😀b", 5).cut()).isTrue();
    assertThat(bytes.encode("a😀b", 6).ids()).containsExactly(97, 0xf0, 0x9f, 0x98, 0x80, 0);
    assertThat(bytes.encode("a😀b", 7).cut()).isFalse();
    assertThat(bytes.encode("é", 1).ids()).containsExactly(0);
  }

  @Property(tries = 300)
  void bytesKeepAnyText(@ForAll("texts") String text, @ForAll @IntRange(min = 1, max = 40) int n) {
    assertThat(again(bytes, text)).isEqualTo(text);
    var row = bytes.encode(text, n);
    assertThat(row.ids()).hasSize(n).endsWith(0);
    assertThat(text).startsWith(decode(bytes, row.ids()));
    assertThat(row.cut()).isEqualTo(!decode(bytes, row.ids()).equals(text));
  }

  @Example
  void wordsAreTheMostFrequentOnes() {
    // a 4, dog 2; then all that come once or twice: cat and "." twice
    var words = WordTokenizer.learn(CAPTIONS, 8);
    assertThat(words.vocabulary()).isEqualTo(8);
    assertThat(List.of(words.token(3), words.token(4), words.token(5), words.token(6)))
        .containsExactly("a", ".", "cat", "dog");
    assertThat(words.token(7)).isEqualTo("!");
    assertThat(words.encode("A dog, a bird", 7).ids()).containsExactly(3, 6, 2, 3, 2, 1, 0);
    assertThat(words.encode("a cat.", 3).ids()).containsExactly(3, 5, 1);
    assertThat(words.encode("a cat.", 3).cut()).isTrue();
    assertThat(WordTokenizer.learn(CAPTIONS, 1000).vocabulary()).isLessThan(30);
  }

  @Example
  void wordsAreJoinedAsTheyAreWritten() {
    var words = WordTokenizer.learn(List.of("a dog's ball (red), and a t-shirt & no. 2!"), 100);
    assertThat(again(words, "A dog's ball (red) ,  and a T-shirt & no. 2 !"))
        .isEqualTo("a dog's ball (red), and a t-shirt & no. 2!");
    assertThat(again(words, "a cat's ball, unknown.")).isEqualTo("a <unk> ball, <unk>.");
    assertThat(words.count("dog's dogs'")).isEqualTo(3);
    assertThat(decode(words, 0, 3, 1, 4)).isEqualTo(words.token(3));
    assertThatThrownBy(() -> decode(words, 1000)).isInstanceOf(IllegalArgumentException.class);
  }

  @Property(tries = 300)
  void whatWordsYieldIsItsOwnTokenization(@ForAll("texts") String text) {
    var words = WordTokenizer.learn(List.of(text), 1000);
    assertThat(again(words, again(words, text))).isEqualTo(again(words, text));
    assertThat(words.encode(again(words, text), 50).ids())
        .isEqualTo(words.encode(text, 50).ids())
        .doesNotContain(2);
  }

  @Example
  void areTheSameAfterSaving() throws IOException {
    var folder = Files.createTempDirectory("tokenizers");
    var file = folder.resolve("tokenizer.json");
    for (var tokenizer : List.of(bytes, WordTokenizer.learn(CAPTIONS, 12))) {
      tokenizer.save(file);
      try (var loaded = Tokenizer.load(file)) {
        assertThat(loaded).hasSameClassAs(tokenizer);
        assertThat(loaded.vocabulary()).isEqualTo(tokenizer.vocabulary());
        assertThat(loaded.encode("A dog's ball (red).", 30).ids())
            .isEqualTo(tokenizer.encode("A dog's ball (red).", 30).ids());
      }
    }
    for (var words : List.of("[\"a\", \"a\"]", "[\"two words\"]", "[3]", "null")) {
      Files.writeString(file, "{\"type\": \"words\", \"words\": " + words + "}");
      assertThatThrownBy(() -> Tokenizer.load(file))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(file + " is damaged");
    }
    Files.delete(file);
    Files.delete(folder);
  }

  @Example
  void unknownNamesAndVocabulariesAreRefused() {
    assertThatThrownBy(() -> Tokenizer.of("word", CAPTIONS, 100))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("'word' is unknown")
        .hasMessageContaining("bytes, words or the path of a tokenizer.json");
    assertThatThrownBy(() -> Tokenizer.of("words", CAPTIONS, 3))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("must be at least 4");
  }
}
