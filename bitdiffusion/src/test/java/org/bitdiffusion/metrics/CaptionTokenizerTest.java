package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What is expected here is what PTBTokenizer 3.4.1 printed with {@code -preserveLines -lowerCase},
 * without the tokens that the COCO caption evaluation removes.
 */
class CaptionTokenizerTest {
  private static void assertTokens(String caption, String expected) {
    assertThat(String.join(" ", CaptionTokenizer.tokens(caption))).isEqualTo(expected);
  }

  @Test
  void aPlainCaptionIsItsWordsInLowerCase() {
    assertThat(CaptionTokenizer.tokens("A man riding a wave on top of a surfboard."))
        .containsExactly("a", "man", "riding", "a", "wave", "on", "top", "of", "a", "surfboard");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\n", ".", "...", " - ; : , ! ? . ' \" '' `` ` -- …", "“” – —"})
  void punctuationAloneIsNoToken(String caption) {
    assertThat(CaptionTokenizer.tokens(caption)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          I don't think it's a dog. They're happy, I'll go; we've seen it! | i do n't think it 's a dog they 're happy i 'll go we 've seen it
          You cannot do it, gonna wanna gotta lemme gimme | you can not do it gon na wan na got ta lem me gim me
          won't can't cant isn't ain't shan't DON'T       | wo n't ca n't cant is n't ai n't sha n't do n't
          gonnas cannots gotta-have can-not               | gonnas cannots gotta-have can-not
          couldn't've i'd've                              | could n't 've i 'd 've
          does n't dog 's he 'll doesn 't                 | does n't dog 's he 'll doesn t
          'tis 'twas 'Tis                                 | 't is 't was 't is
          The man's dog and the dogs' bowls. James' hat   | the man 's dog and the dogs bowls james hat
          mother-in-law's m&m's tv's 5's x's              | mother-in-law 's m & m 's tv 's 5 's x 's
          y'all                                           | y' all
          o'clock ma'am o'neil d'oh c'mon s'mores hawai'i | o'clock ma'am o'neil d'oh c'mon s'mores hawai'i
          rock 'n' roll 'em 'til                          | rock 'n' roll 'em 'til
          goin' fishin' with the ol' man                  | goin fishin with the ol' man
          the '90s, 90's and 1990s                        | the '90s 90 's and 1990s
          """)
  void contractionsAndPossessivesAreSplit(String caption, String expected) {
    assertTokens(caption, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          "hello" he said 'yes' ``what'' "it's"         | hello he said yes what it 's
          wait... what.. no.... a . . . b               | wait what no a b
          what?! no!! yes? yes!                         | what ?! no !! yes yes
          a well-known black-and-white cat -- yes - no  | a well-known black-and-white cat yes no
          a dog--or a cat, a,b ;c                       | a dog or a cat a b c
          A (red) car {blue} [green] bus                | a -lrb- red -rrb- car -lcb- blue -rcb- -lsb- green -rsb- bus
          :) :-( ;)                                     | :-rrb- :--lrb- ;-rrb-
          and/or w/o a/b/c/d w/ a hat                   | and/or w/o a/b/c / d w / a hat
          a & b at&t AT&T * @ + = end_of                | a & b at & t at&t * @ + = end_of
          #tag #1 @home joe@x.com http://a.b/c www.foo.com. | #tag # 1 @home joe@x.com http://a.b/c www.foo.com
          ab*cd a<b <b>bold</b>                         | ab * cd a < b <b> bold </b>
          """)
  void signs(String caption, String expected) {
    assertTokens(caption, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          The U.S. flag, Mr. Smith on Main St. near Dr. Who. | the u.s. flag mr. smith on main st. near dr. who
          at 5 p.m. vs. 6 a.m., etc. e.g. this              | at 5 p.m. vs. 6 a.m. etc. e.g. this
          He lives in the U.S.                              | he lives in the u.s.
          a t.v. and a tv. on                               | a t.v. and a tv on
          No. 5 and no. yes, a cat no.                      | no. 5 and no yes a cat no
          6 oz. of it, 3 in. long, 10 ft. tall              | 6 oz of it 3 in long 10 ft. tall
          J. Smith in plan b. The dog                       | j. smith in plan b the dog
          the end.Next hello.world node.js                  | the end.next hello.world node.js
          u.s.'s mr.'s u.s.-made                            | u.s. 's mr. 's u.s.-made
          """)
  void abbreviationsKeepTheirDots(String caption, String expected) {
    assertTokens(caption, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          1,000 people at 3.5 miles and 10:30 am, $5.99 50% off | 1,000 people at 3.5 miles and 10:30 am $ 5.99 50 % off
          10:30pm 10am 2nd 20th 4x4 3d 5-year-old b-52          | 10:30 pm 10am 2nd 20th 4x4 3d 5-year-old b-52
          1/2 50/50 12/25/2014 10-12 -5 +5 .5 v2.0              | 1/2 50/50 12/25/2014 10-12 -5 +5 .5 v2 .0
          3. 3.5. 1, 2, 3                                       | 3 3.5 1 2 3
          6'2" tall                                             | 6 2 tall
          £5 €10 ¢50 5¢ ½ 32° ©                                 | # 5 $ 10 cents 50 5 cents 1/2 32 ° ©
          """)
  void numbersAreWhole(String caption, String expected) {
    assertTokens(caption, expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          “quotes” ‘single’ it’s don’t the man’s hat | quotes single it 's do n't the man 's hat
          a – b—c … d… «e»                           | a b c d e
          Café naïve JALAPEÑO 日本                   | café naïve jalapeño 日本
          a 😀 b😀c                                  | a b c
          salt &amp; pepper &quot;a&quot;&nbsp;b     | salt & pepper a b
          """)
  void typographicSignsAreAsPlainOnes(String caption, String expected) {
    assertTokens(caption, expected);
  }

  @Test
  void anyBlankSeparates() {
    assertThat(CaptionTokenizer.tokens(" a\tb\u00a0c\nd\u3000e\u200bf  g "))
        .isEqualTo(List.of("a", "b", "c", "d", "e", "f", "g"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a-", "a.", "ab.", "5,", "5:5", "a/", "a@a.", "A&", "''", "a'", "'s", "?!"})
  void longNonsenseIsNoTrouble(String piece) {
    assertThat(CaptionTokenizer.tokens(piece.repeat(20_000)).size()).isLessThan(40_001);
  }
}
