import { checkInteger } from '../../base/index.ts';
import { ecrcOf } from './link-crc.ts';
import { isLocal, isPrefix } from './prefix.ts';
import type { TlpCheck, TlpViolation } from './tlp-checks.ts';
import { lengthOf, TlpFields, wordAt } from './tlp-fields.ts';
import { FMT_4DW, FORMAT_OF } from './tlp-formats.ts';
import { limitsOf, type TlpLimits, type TlpReceiverSettings } from './tlp-limits.ts';
import { packetOf } from './tlp-packet.ts';
import { brokenRule } from './tlp-rules.ts';
import type { TlpPacket } from './tlp-types.ts';
import { violationOf } from './tlp-violation.ts';

/** Whether a TLP has an ECRC, and it is right. */
export type EcrcState = 'absent' | 'good' | 'bad';

const DIGEST = 1 << 15;
const DIGEST_BYTES = 4;
const NO_SETTINGS: TlpReceiverSettings = {};

/**
 * A TLP as it lies in a buffer: the checks of a receiver and all fields, without a copy of anything and without an object
 * for it (PCI Express Base 2.2, 2.3). One view looks at one TLP after another. Bytes are the wire's: nothing in them throws.
 *
 * Fields that are reserved for a TLP are passed over, as a receiver has to; those that it does not have say nothing.
 *
 * @example
 * const view = new TlpView({ maxPayloadBytes: 256 });
 * if (view.look(buffer, start, end)) console.log(view.kind, view.requester, view.tag, view.address);
 * else console.log(view.violation?.what);
 */
export class TlpView extends TlpFields {
  /** The check that the TLP has failed, or null. */
  failed: TlpCheck | null = null;
  ecrc: EcrcState = 'absent';
  private limits: TlpLimits;

  /** @throws TypeError or RangeError for settings that are out of range. */
  constructor(settings: TlpReceiverSettings = NO_SETTINGS) {
    super();
    this.limits = limitsOf(settings);
  }

  /** Max_Payload_Size in force. Setting it @throws RangeError as the constructor. */
  get maxPayloadBytes(): number {
    return this.limits.maxPayloadBytes;
  }

  set maxPayloadBytes(maxPayloadBytes: number) {
    if (maxPayloadBytes !== this.limits.maxPayloadBytes)
      this.limits = limitsOf({ ...this.limits, maxPayloadBytes });
  }

  /**
   * Looks at the TLP that is in `bytes` from `start` up to `end`, prefixes and ECRC included, and makes all checks. Its fields
   * are there if it passes them; `kind` and what follows, up to where a check has failed, in any case.
   *
   * @returns whether it passes.
   * @throws RangeError for a range that is not in `bytes`.
   */
  look(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    checkInteger('end', end, 0, bytes.length);
    checkInteger('start', start, 0, end);
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.ecrc = 'absent';
    this.failed = this.firstFailure();
    return this.failed === null;
  }

  /** What the TLP has that it must not have; null if it has passed all checks. */
  get violation(): TlpViolation | null {
    return this.failed === null ? null : violationOf(this, this.failed, this.limits);
  }

  /** The TLP with copies of all that it has; null if it has failed a check. */
  packet(): TlpPacket | null {
    return this.failed === null ? packetOf(this) : null;
  }

  private firstFailure(): TlpCheck | null {
    const { bytes, start, end } = this;
    let at = start;
    this.headerAt = start;
    this.prefixCount = this.localPrefixes = 0;
    if (((end - start) & 3) !== 0) return 'header';
    while (at < end && isPrefix(bytes[at])) at += 4;
    this.headerAt = at;
    this.prefixCount = (at - start) >> 2;
    if (at === end) return 'header';
    const first = bytes[at];
    const format = FORMAT_OF[first];
    if (format === null) return 'type';
    this.format = format;
    const headerBytes = (first & FMT_4DW) === 0 ? 12 : 16;
    this.headerBytes = headerBytes;
    if (end - at < headerBytes) return 'header';
    const word0 = wordAt(bytes, at);
    this.word0 = word0;
    this.word1 = wordAt(bytes, at + 4);
    this.word2 = wordAt(bytes, at + 8);
    if (headerBytes === 16) this.word3 = wordAt(bytes, at + 12);
    const payloadAt = at + headerBytes;
    const payloadBytes = format.carriesData ? 4 * lengthOf(word0) : 0;
    this.payloadAt = payloadAt;
    this.payloadBytes = payloadBytes;
    const digestBytes = (word0 & DIGEST) === 0 ? 0 : DIGEST_BYTES;
    const behind = end - payloadAt - payloadBytes;
    if (behind !== digestBytes) return behind === 0 || behind === DIGEST_BYTES ? 'digest' : 'length';
    if (digestBytes !== 0 || this.prefixCount !== 0) {
      const failed = this.failureAround(end - digestBytes, digestBytes !== 0);
      if (failed !== null) return failed;
    }
    return brokenRule(this, this.limits);
  }

  /** Of what stands before the header and behind the payload. */
  private failureAround(digestAt: number, hasDigest: boolean): TlpCheck | null {
    const { bytes, start, headerAt, prefixCount, limits } = this;
    let local = 0;
    while (local < prefixCount && isLocal(bytes[start + 4 * local])) local++;
    this.localPrefixes = local;
    if (hasDigest) {
      const isGood = ecrcOf(bytes, start + 4 * local, digestAt, headerAt) === wordAt(bytes, digestAt) >>> 0;
      this.ecrc = isGood ? 'good' : 'bad';
    }
    for (let i = local; i < prefixCount; i++) if (isLocal(bytes[start + 4 * i])) return 'prefixOrder';
    for (let i = 0; i < local; i++) {
      if (!limits.localPrefixes.includes(bytes[start + 4 * i] & 15)) return 'localPrefix';
    }
    return prefixCount - local > limits.maxEndEndPrefixes ? 'endEndPrefix' : null;
  }
}
