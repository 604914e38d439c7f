import { RandomStreams } from '../../../src/base/index.ts';
import { Endpoint, FlitErrors, flitMode, type WrongBits, wrongBitsAt } from '../../../src/pcie/index.ts';
import type { LinkDirection } from '../../../src/pcie/link-direction.ts';
import type { LinkOptions } from '../../../src/pcie/link-options.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { LinkRig } from './link-rig.ts';

/** Correctable Error Status. */
const CORRECTABLE = 0x110;

/** Wrong bits at places that are counted from the first bit of flit 0. */
export function bitsAt(places: readonly number[]): WrongBits {
  let at = 0;
  let next = 0;
  return {
    gap() {
      if (next === places.length) return Number.POSITIVE_INFINITY;
      const gap = places[next] - at;
      at = places[next++] + 1;
      return gap;
    },
  };
}

/** Two wrong bytes of one code in each of these flits: more than it corrects. */
export function flitsLost(...flits: readonly number[]): WrongBits {
  return bitsAt(flits.flatMap((flit) => [2048 * flit, 2048 * flit + 24]));
}

/** Bits that are wrong at a rate, from a stream of their own. */
export function randomBits(rate: number, seed: number, name: string): WrongBits {
  return wrongBitsAt(rate, new RandomStreams(seed).stream(name));
}

/** A link of generation 6 whose directions have wrong bits. */
export class FlitErrorRig {
  readonly rig: LinkRig;
  readonly device = new Endpoint({ functions: intel82599Config() }).functions[0];
  readonly port = new Endpoint({ functions: intel82599Config() }).functions[0];
  readonly up: FlitErrors;
  readonly down: FlitErrors | null;

  constructor(
    up: WrongBits,
    down: WrongBits | null = null,
    options: Partial<LinkOptions> = {},
    holdPs = 0,
    lanes = 16,
  ) {
    const rate = { generation: 6, lanes };
    this.rig = new LinkRig({ rate, flitMode, ...options }, holdPs);
    this.up = this.errors(this.rig.link.upstream, up);
    this.down = down === null ? null : this.errors(this.rig.link.downstream, down);
  }

  /** Correctable errors of both ends. */
  get correctable() {
    return { device: this.device.config.read32(CORRECTABLE), port: this.port.config.read32(CORRECTABLE) };
  }

  private errors(direction: LinkDirection, bits: WrongBits): FlitErrors {
    const { rig } = this;
    const isUp = direction === rig.link.upstream;
    const [receiver, transmitter] = isUp ? [this.port, this.device] : [this.device, this.port];
    return new FlitErrors(rig.scheduler, direction, rig.tlps, bits, receiver, transmitter);
  }
}
