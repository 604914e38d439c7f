declare module 'seedrandom/lib/xor128.js' {
  interface Generator {
    (): number;
    /** Uniform signed 32-bit integer. */
    int32(): number;
  }
  export default function xor128(seed: string): Generator;
}
