import { Probe, Scheduler } from '../../src/kernel/index.ts';
import { Nic, type NicProfile } from '../../src/nic/index.ts';
import { type PcieFunction, PcieLink, type Tlp, TlpPool } from '../../src/pcie/index.ts';
import { TlpKind } from '../../src/pcie/tlp.ts';
import { intel82599, xeonE5v4 } from '../../src/profiles/index.ts';

/** An interrupt message that the card has sent. */
export interface Message {
  readonly timePs: number;
  readonly routingId: number;
  readonly address: number;
  readonly data: number;
}

/** The Routing ID of the PF once its first configuration write has told it. */
export const PF = 0x0100;
/** Offsets of the SR-IOV capability, and where the MSI-X capability's Message Control is. */
const SRIOV = 0x160;
const MSIX_CONTROL = 0x72;
const MSIX_ENABLE = 0x8000;

/** A card alone: a link with nothing at its other end but a note of what arrives. */
export class Card {
  readonly scheduler = new Scheduler();
  readonly nic: Nic;
  readonly messages: Message[] = [];
  /** Message Codes of the messages that are no memory writes, as they arrive. */
  readonly codes: number[] = [];
  readonly #tlps = new TlpPool();

  constructor(linkGbps = 10, profile: NicProfile = intel82599) {
    const { scheduler } = this;
    const tlps = this.#tlps;
    const probe = new Probe(scheduler);
    const link = new PcieLink('pcie', scheduler, probe, tlps, {
      ...profile.pcie,
      rootCredits: xeonE5v4.rootCredits,
      flightPs: 0,
      maxPayloadBytes: 256,
    });
    link.upstream.receiver = { receive: (tlp) => this.#arrived(tlp, link) };
    this.nic = new Nic({
      name: 'nic',
      scheduler,
      probe,
      tlps,
      link,
      profile,
      linkGbps,
      maxPayloadBytes: 256,
      maxReadRequestBytes: 512,
    });
    this.configWrite(PF, 0x04, 2, 0x0006);
  }

  configWrite(routingId: number, offset: number, bytes: number, value: number): void {
    if (!this.nic.configWrite(routingId, offset, bytes, value, 0)) throw new Error(`nobody at ${routingId}`);
  }

  /** Brings `count` VFs, as software does. */
  enableVfs(count: number): void {
    this.configWrite(PF, SRIOV + 0x10, 2, count);
    this.configWrite(PF, SRIOV + 0x08, 2, 0x19);
  }

  vf(index: number): PcieFunction {
    if (this.nic.pf.sriov === null) throw new Error('no SR-IOV');
    return this.nic.pf.sriov.vf(index);
  }

  /** A register of the PF. */
  read(offset: number): number {
    return this.nic.registers.read32(offset);
  }

  write(offset: number, value: number): void {
    this.nic.registers.write32(offset, value >>> 0, 15);
  }

  /** A register of a VF. */
  readVf(vf: number, offset: number): number {
    return this.vf(vf).bar(0).read32(offset, 4) >>> 0;
  }

  writeVf(vf: number, offset: number, value: number): void {
    this.vf(vf)
      .bar(0)
      .write32(offset, value >>> 0, 15);
  }

  /** Fills in entry `vector` of a function's MSI-X table, and enables MSI-X and bus mastering. */
  connect(fn: PcieFunction, vector: number, data: number, masked = false): void {
    const bar = fn.bar(fn.isVirtual ? 3 : 4);
    bar.write32(16 * vector, 0xfee0_0000, 15);
    bar.write32(16 * vector + 4, 0, 15);
    bar.write32(16 * vector + 8, data, 15);
    bar.write32(16 * vector + 12, masked ? 1 : 0, 15);
    this.configWrite(fn.routingId, MSIX_CONTROL, 2, MSIX_ENABLE);
    this.configWrite(fn.routingId, 0x04, 2, 0x0006);
  }

  /** Lets time pass. */
  wait(ps: number): void {
    this.scheduler.runUntil(this.scheduler.now + ps);
  }

  #arrived(tlp: Tlp, link: PcieLink): void {
    if (tlp.kind === TlpKind.MESSAGE) this.codes.push(tlp.data);
    else if (tlp.kind === TlpKind.MEMORY_WRITE) this.noteMessage(tlp);
    else throw new Error(`a TLP of kind ${tlp.kind} arrived`);
    link.upstream.release(0, tlp.count, tlp.dataCredits);
    this.#tlps.give(tlp);
  }

  private noteMessage({ requester: routingId, address, data }: Tlp): void {
    this.messages.push({ timePs: this.scheduler.now, routingId, address, data });
  }
}
