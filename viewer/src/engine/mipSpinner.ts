import type { Session } from "../core/session";
import type { Store } from "../core/store";

export const SPIN_FPS = 9;

/** Turns the MIP step by step while the session says so. */
export class MipSpinner {
  private timer = 0;
  private readonly forget: () => void;

  constructor(
    private readonly store: Store<Session>,
    private readonly degreesPerStep: () => number,
  ) {
    this.forget = store.subscribe(({ mipSpin }) => {
      if (mipSpin !== 0 && this.timer === 0) this.timer = window.setInterval(this.turn, 1000 / SPIN_FPS);
      if (mipSpin === 0 && this.timer !== 0) this.halt();
    });
  }

  private readonly turn = () => {
    const { mipDegrees, mipSpin } = this.store.state;
    this.store.set({ mipDegrees: (mipDegrees + mipSpin * this.degreesPerStep() + 360) % 360 });
  };

  private halt(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
  }

  stop(): void {
    this.forget();
    this.halt();
  }
}
