package org.bitdiffusion.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ScopeTest {
  @BeforeAll
  static void loadEngine() {
    Engine.load();
  }

  @Test
  void aResultOutlivesItsScopeAndNothingElseDoes() {
    var made = new ArrayList<Tensor>();
    Tensor result;
    try (var outer = new PointerScope()) {
      result = Scope.result(() -> intermediate(made).add(intermediate(made)));
      assertThat(made).allMatch(tensor -> tensor.isNull());
      assertThat(result.item_float()).isEqualTo(2);
    }
    assertThat(result.isNull()).isTrue();
  }

  @Test
  void withoutAScopeAroundItAResultIsTheCallers() {
    var result = Scope.result(() -> torch.ones(1));
    assertThat(result.item_float()).isEqualTo(1);
    result.close();
    assertThat(result.isNull()).isTrue();
  }

  @Test
  void whatIsOwnedOutlivesAllScopes() {
    Tensor owned;
    try (var outer = new PointerScope()) {
      owned = Scope.owned(() -> torch.ones(1));
    }
    assertThat(owned.item_float()).isEqualTo(1);
    owned.close();
  }

  @Test
  void aFailureFreesWhatWasMade() {
    var made = new ArrayList<Tensor>();
    for (var way :
        List.<Runnable>of(
            () -> Scope.result(() -> fail(made)), () -> Scope.owned(() -> fail(made)))) {
      assertThatThrownBy(way::run).hasMessage("wrong");
    }
    assertThat(made).hasSize(2).allMatch(tensor -> tensor.isNull());
  }

  private static Tensor intermediate(List<Tensor> made) {
    var tensor = torch.ones(1);
    made.add(tensor);
    return tensor;
  }

  private static Tensor fail(List<Tensor> made) {
    intermediate(made);
    throw new IllegalStateException("wrong");
  }
}
