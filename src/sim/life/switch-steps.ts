import { DROP_REASONS, TAG_AS_IS, TAG_INSERT, TAG_STRIP, tagOperation } from '../../nicswitch/index.ts';
import type { BinaryLog, LogRecord } from '../../trace/index.ts';
import type { ResolvedScenario } from '../scenario-resolved.ts';
import { admission, type Question, senderChecks, toWire } from './admission.ts';
import type { CollectedFrame, Receipt } from './collected-frame.ts';
import { type AnyDrop, dropDeciders } from './drop-deciders.ts';
import type { FoundFrame } from './find-frame.ts';
import { headersOf, switchVlan } from './frame-headers.ts';
import type { Decider, LifeStep } from './life-steps.ts';
import { RegisterLook } from './register-look.ts';
import type { StepMaker } from './step-maker.ts';
import { ns } from './transmit-steps.ts';

/** What the switch did with a frame. */
export class SwitchSteps {
  private readonly frame: FoundFrame;
  private readonly collected: CollectedFrame;
  private readonly reasons: readonly string[];
  private readonly look: RegisterLook;
  private readonly names: (port: number) => string;
  private readonly uplink: number;
  /** Null where nothing is known of the registers, or of the frame's headers. */
  private readonly question: Question | null = null;

  constructor(
    log: BinaryLog,
    frame: FoundFrame,
    collected: CollectedFrame,
    scenario: ResolvedScenario,
    names: (port: number) => string,
  ) {
    const { nic, isComplete } = frame.card;
    this.frame = frame;
    this.collected = collected;
    this.reasons = log.header.dropReasons;
    this.names = names;
    this.uplink = nic.data.switch.uplink;
    this.look = new RegisterLook(nic, scenario.nic.portExtender !== undefined);
    const headers = headersOf(frame);
    if (headers === null || !isComplete) return;
    const sender = frame.port === this.uplink ? null : frame.port;
    this.question = {
      headers,
      sender,
      senderName: names(frame.port),
      vlan: switchVlan(headers, frame, sender, this.look),
      pf: nic.pf.sriov?.count ?? 0,
      scenario,
      receivers: collected.receipts.map(({ port }) => port),
      uplink: this.uplink,
    };
  }

  /** What all receivers have in common. */
  common(make: StepMaker): LifeStep[] {
    const { frame, collected, look, question } = this;
    const { dropped, receipts, copies } = collected;
    const where =
      frame.port === this.uplink ? 'from the wire' : `from VPort ${frame.port} (${this.names(frame.port)})`;
    const clock = 'core' as const;
    const isRefused = dropped !== null && this.isRefused(dropped);
    const what = isRefused ? 'are there, and go no further' : 'enter the pipeline';
    const unit = isRefused ? 'nic' : 'nic.switch';
    const steps = [
      make.step('switchIn', frame.timePs, unit, `${frame.bytes} bytes ${where} ${what}`, { clock }),
    ];
    const decided = receipts[0]?.out ?? dropped;
    const checks = question === null || receipts.length === 0 ? [] : senderChecks(look, question);
    if (checks.length > 0) {
      const allowed = `VPort ${frame.port} may send this`;
      steps.push(
        make.step('senderChecks', decided.timePs, 'nic.switch', allowed, { clock, decidedBy: checks }),
      );
    }
    for (const { timePs, a, b } of copies)
      steps.push(
        make.step('copied', timePs, 'nic', `slot ${b} is copied to slot ${a}, to be marked`, { clock }),
      );
    if (dropped !== null) steps.push(this.drop(make, dropped, null));
    return steps;
  }

  /** What one receiver has for itself. */
  of(make: StepMaker, receipt: Receipt, branch: number): LifeStep[] {
    const { out, port, dropped } = receipt;
    const { look, question } = this;
    const isWire = port === this.uplink;
    let decidedBy: Decider[] = [];
    if (question !== null) decidedBy = isWire ? toWire(look, question) : admission(look, question, port);
    const to = isWire ? 'to the wire' : `to VPort ${port} (${this.names(port)})`;
    const what = `${to}, ${this.duration(make, out)}${tagText(tagOperation(out.b))}`;
    const parts = { clock: 'core', decidedBy, branch } as const;
    const steps = [make.step('switchOut', out.timePs, 'nic.switch', what, parts)];
    if (dropped !== null) steps.push(this.drop(make, dropped, branch));
    return steps;
  }

  /** Whether a frame from the wire was dropped in front of the switch. */
  private isRefused({ c }: LogRecord): boolean {
    return c >= DROP_REASONS.length;
  }

  private drop(make: StepMaker, record: LogRecord, branch: number | null): LifeStep {
    const { look, question } = this;
    const reason = this.reasons[record.c] as AnyDrop;
    const port = record.b;
    const { queuesPerPool } = look.nic.profile;
    const decidedBy =
      question === null ? [] : dropDeciders(look, reason, { ...question, port, queue: port * queuesPerPool });
    const where = port === this.uplink ? 'at the port' : `at VPort ${port} (${this.names(port)})`;
    const parts = { clock: 'core', decidedBy, branch } as const;
    const unit = branch === null && !this.isRefused(record) ? 'nic.switch' : 'nic';
    return make.step('dropped', record.timePs, unit, `dropped ${where}: ${reason}`, parts);
  }

  /** How long the frame was in the switch. */
  private duration(make: StepMaker, out: LogRecord): string {
    const { coreClockPs, switchCycles } = this.look.nic.profile;
    const inside = out.timePs - this.frame.timePs;
    const waited = inside - switchCycles * coreClockPs;
    const cycles = `after ${Math.round(inside / make.clocks.periodPs('core'))} cycles`;
    return waited > 0 ? `${cycles}, ${ns(waited)} of them waiting` : cycles;
  }
}

function tagText(operation: number): string {
  if (operation === TAG_AS_IS) return '';
  if (operation === TAG_STRIP) return '; its VLAN tag is taken out';
  return operation === TAG_INSERT ? '; the VLAN tag beside it is put in' : '; its tags are changed';
}
