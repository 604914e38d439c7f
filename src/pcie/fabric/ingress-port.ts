import type { Scheduler } from '../../kernel/index.ts';
import type { LinkDirection } from '../link-direction.ts';
import { DATA_LINK_OVERHEAD_BYTES, HEADER_3DW_BYTES, HEADER_4DW_BYTES, spanOf, TlpKind } from '../tlp.ts';
import type { Tlp, TlpPool } from '../tlp-pool.ts';
import type { Foresight, TlpReceiver } from '../tlp-receiver.ts';

/** Who is told what has come in. */
export interface IngressOwner {
  /** As much of a TLP is there as has to be before it is looked at. */
  arrived(port: number, tlp: Tlp): void;
}

/** Framing and sequence number before a header; the LCRC comes behind all. */
const BEFORE_HEADER_BYTES = 4;

/**
 * The receiving side of a port. With cut-through a TLP is looked at as soon as its header is there, otherwise when its last
 * symbol is, and its LCRC has been checked. Of a train it is the first TLP that counts.
 */
export class IngressPort implements TlpReceiver, Foresight {
  readonly foreseen: number;
  foreseenPs = 0;

  private readonly direction: LinkDirection;
  private readonly number: number;
  private readonly owner: IngressOwner;
  private readonly isCutThrough: boolean;

  constructor(
    name: string,
    scheduler: Scheduler,
    direction: LinkDirection,
    tlps: TlpPool,
    number: number,
    isCutThrough: boolean,
    owner: IngressOwner,
  ) {
    this.direction = direction;
    this.number = number;
    this.owner = owner;
    this.isCutThrough = isCutThrough;
    this.foreseen = scheduler.task(`${name}.header`, (index, epoch) => {
      const tlp = tlps.records[index];
      if (epoch === direction.epoch) this.receive(tlp);
      else tlps.lose(tlp);
    });
    direction.receiver = this;
    direction.foresight = this;
  }

  receive(tlp: Tlp): void {
    this.owner.arrived(this.number, tlp);
  }

  foresee(tlp: Tlp, _delayPs: number, bytes = tlp.linkBytes): boolean {
    // The arrival of a train of reads is that of its first request, of all others that of the last symbol.
    const first = tlp.linkBytes / tlp.count;
    const before = tlp.kind === TlpKind.MEMORY_READ ? first : bytes;
    const needed = this.isCutThrough ? BEFORE_HEADER_BYTES + headerBytesOf(tlp) : first;
    this.foreseenPs = -Math.floor((before - needed) * this.direction.psPerByte);
    return true;
  }

  /** Bytes of a TLP, or train, that follow what is there when it is looked at. */
  restBytes(tlp: Tlp): number {
    return (
      tlp.linkBytes -
      (this.isCutThrough ? BEFORE_HEADER_BYTES + headerBytesOf(tlp) : tlp.linkBytes / tlp.count)
    );
  }
}

/** Three or four double words: what of a TLP is neither payload nor framing. */
function headerBytesOf({ kind, address, bytes, count, linkBytes }: Tlp): number {
  if (kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA) return HEADER_3DW_BYTES;
  if (kind === TlpKind.CONFIG_READ || kind === TlpKind.CONFIG_WRITE) return HEADER_3DW_BYTES;
  const payload = kind === TlpKind.MEMORY_WRITE ? spanOf(address, bytes) : 0;
  const header = (linkBytes - payload) / count - DATA_LINK_OVERHEAD_BYTES;
  return header >= HEADER_4DW_BYTES ? HEADER_4DW_BYTES : HEADER_3DW_BYTES;
}
