import { type BitErrors, Endpoint, LinkErrors, type LinkPacket } from '../../../src/pcie/index.ts';
import type { LinkDirection } from '../../../src/pcie/link-direction.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import type { LinkRig } from './link-rig.ts';

/** Correctable Error Status. */
const CORRECTABLE = 0x110;

/** A packet that has left in one direction. */
export interface SentPacket {
  /** TLPs and DLLPs of the direction are counted apart, from 0 on. */
  readonly number: number;
  readonly isTlp: boolean;
  readonly bytes: number;
}

/** In which of a packet's bytes an error is; -1 for none. */
export type Hits = (packet: SentPacket) => number;

/** In the middle of a packet, if so. */
export const middle = (isHit: boolean, { bytes }: SentPacket) => (isHit ? bytes >> 1 : -1);

/** A link whose two directions have the bit errors that are asked for. */
export class ErrorRig {
  readonly told: string[] = [];
  readonly struck: LinkPacket[] = [];
  readonly device = new Endpoint({ functions: intel82599Config() }).functions[0];
  readonly port = new Endpoint({ functions: intel82599Config() }).functions[0];
  readonly up: LinkErrors;
  readonly down: LinkErrors;
  readonly rig: LinkRig;

  constructor(rig: LinkRig, up: Hits, down: Hits) {
    this.rig = rig;
    this.up = this.#errors(rig.link.upstream, up);
    this.down = this.#errors(rig.link.downstream, down);
  }

  /** Correctable errors of both ends. */
  get correctable() {
    return { device: this.device.config.read32(CORRECTABLE), port: this.port.config.read32(CORRECTABLE) };
  }

  #errors(direction: LinkDirection, hits: Hits): LinkErrors {
    const { rig, told } = this;
    let tlps = 0;
    let dllps = 0;
    const errors: BitErrors = {
      hits: (bytes, isTlp) => hits({ number: isTlp ? tlps++ : dllps++, isTlp, bytes }),
      struck: (packet) => this.struck.push(packet),
      replayed: (cause, sequence, count, isRetrained) =>
        told.push(`${cause}: ${count} from ${sequence}${isRetrained ? ', retrained' : ''}`),
      recovered: (sequence) => told.push(`recovered ${sequence}`),
    };
    const isUp = direction === rig.link.upstream;
    const [receiver, transmitter] = isUp ? [this.port, this.device] : [this.device, this.port];
    return new LinkErrors(rig.scheduler, direction, rig.tlps, errors, receiver, transmitter);
  }
}
