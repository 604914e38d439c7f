declare module 'seedrandom/lib/xor128.js' {
  interface State {
    x: number;
    y: number;
    z: number;
    w: number;
  }
  export interface Generator {
    (): number;
    /** Uniform signed 32-bit integer. */
    int32(): number;
    /** What it is made of now. */
    state(): State;
  }
  /** @param options `state`: true for a generator that tells its state, or the state that it is to begin with. */
  export default function xor128(seed: string, options: { state: true | State }): Generator;
}
