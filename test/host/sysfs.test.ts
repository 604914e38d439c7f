import { describe, expect, it } from 'vitest';
import { Sysfs } from '../../src/host/index.ts';

describe('sysfs', () => {
  const sysfs = new Sysfs();
  let value = '';
  sysfs.define('0000:01:00.0/vendor', { read: () => '0x8086' });
  sysfs.define('0000:01:00.0/reset', {
    write: (text) => {
      value = text;
    },
  });

  it('lists what there is, in order', () => {
    expect(sysfs.list()).toEqual(['0000:01:00.0/reset', '0000:01:00.0/vendor']);
  });

  it('reads a file, and writes one without the line end that echo adds', () => {
    expect(sysfs.read('0000:01:00.0/vendor')).toBe('0x8086');
    sysfs.write('0000:01:00.0/reset', ' 1\n');
    expect(value).toBe('1');
  });

  it('says EACCES for what a file does not do, and ENOENT with what there is for a file that is not there', () => {
    expect(() => sysfs.read('0000:01:00.0/reset')).toThrow('EACCES: 0000:01:00.0/reset cannot be read');
    expect(() => sysfs.write('0000:01:00.0/vendor', '1')).toThrow(
      'EACCES: 0000:01:00.0/vendor cannot be written',
    );
    expect(() => sysfs.read('nothing')).toThrow(
      'ENOENT: there is no nothing; there are 0000:01:00.0/reset, 0000:01:00.0/vendor',
    );
  });
});
