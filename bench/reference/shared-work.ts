import { attachSwitchPort, SharedSwitch, type SwitchPort } from 'sriovsim/nicswitch';
import { FCS_BYTES } from 'sriovsim/wire';
import { configure, FRAMES, type SwitchScenario, SwitchWork } from './switch-scenario.ts';

/** Words of a frame that a sender writes: addresses, tag and type. */
const HEADER_WORDS = 5;

/**
 * The frames of a scenario over the rings of a {@link SharedSwitch}, all in one thread: what the rings cost a
 * frame by themselves, sender and receiver included, which otherwise have threads of their own.
 */
export class SharedWork {
  private readonly shared: SharedSwitch;
  private readonly ports: SwitchPort[];
  private readonly words: Int32Array;
  private readonly burst: number;
  /** Headers as each VPort sends them, one after the other. */
  private readonly headers: Int32Array;
  private readonly bytes: number;
  private checksum = 0;

  constructor(scenario: SwitchScenario) {
    const { vports } = scenario;
    const plain = new SwitchWork(scenario);
    this.burst = plain.burst;
    this.bytes = (scenario.frameBytes === 'imix' ? 64 : scenario.frameBytes) - FCS_BYTES;
    const { i32, slotShift } = plain.frames;
    this.headers = new Int32Array(FRAMES * HEADER_WORDS);
    for (const [n, slot] of plain.order.entries()) {
      const at = slot << (slotShift - 2);
      this.headers.set(i32.subarray(at, at + HEADER_WORDS), n * HEADER_WORDS);
    }
    this.shared = new SharedSwitch({
      vports,
      sendEntries: this.burst,
      receiveEntries: 256,
      macFilters: vports * scenario.macsPerVPort,
    });
    configure(scenario, this.shared.nicSwitch);
    this.ports = Array.from({ length: vports }, (_, v) => attachSwitchPort(this.shared.descriptor, v));
    this.words = new Int32Array(this.ports[0].u8.buffer);
  }

  /** As {@link SwitchWork.rounds}: frames written and sent, switched, received and released. */
  rounds(count: number): number {
    let taken = 0;
    for (let round = 0; round < count; round++) {
      for (const [v, port] of this.ports.entries()) this.send(port, v * this.burst);
      taken += this.shared.forward();
      for (const port of this.ports) this.drain(port);
    }
    if (this.checksum === 0.5) throw new Error('what was read is used');
    this.shared.nicSwitch.checkBalance();
    return taken;
  }

  private send(port: SwitchPort, first: number): void {
    const { words, headers, burst, bytes } = this;
    for (let n = first; n < first + burst; n++) {
      const at = port.reserve() >> 2;
      for (let i = 0; i < HEADER_WORDS; i++) words[at + i] = headers[n * HEADER_WORDS + i];
      port.commit(bytes, -1, true);
    }
    port.flush();
  }

  private drain(port: SwitchPort): void {
    const { words } = this;
    let sum = this.checksum;
    let count = 0;
    for (let entry = port.receive(); entry >= 0; entry = port.receive()) {
      sum = (sum + words[port.offsetOf(entry) >> 2]) | 0;
      count++;
    }
    port.release(count);
    this.checksum = sum;
  }
}
