// Processes that a journey starts, and ends by their ids.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const STOP_MS = 5_000
const running = new Set()

// A journey that is interrupted leaves nothing behind either.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

/** Runs a program to its end and returns what it printed; throws with its words if it fails. */
export async function run(program, args, options = {}) {
  try {
    const { stdout } = await execute(program, args, { maxBuffer: 64 << 20, ...options })
    return stdout
  }
  catch (error) {
    throw new Error(`${program} ${args.join(' ')} failed: ${error.stderr ?? ''}${error.stdout ?? ''}${error.stderr ? '' : error.message}`, { cause: error })
  }
}

/** Starts a program that stays. Its output is kept, for the report of a failure. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.said = ''
  const keep = chunk => child.said = `${child.said}${chunk}`.slice(-20_000)
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return child
}

/** The first line that a program prints. */
export async function firstLine(child, stream = child.stdout) {
  const lines = createInterface({ input: stream })
  const ended = once(child, 'exit').then(() => { throw new Error(`${child.spawnfile} ended at once: ${child.said}`) })
  const [line] = await Promise.race([once(lines, 'line'), ended])
  lines.close()
  stream.resume()
  ended.catch(() => {})
  return line
}

/** Ends a program, gently first. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await gone
  clearTimeout(hard)
}

/** A port that nobody listens on right now. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Every process below `ancestor`. */
export function descendants(ancestor) {
  const children = new Map()
  for (const name of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const parent = parentOf(name)
    if (parent !== null) children.set(parent, [...children.get(parent) ?? [], Number(name)])
  }
  const below = pid => (children.get(pid) ?? []).flatMap(child => [child, ...below(child)])
  return below(ancestor)
}

/** The program that a process runs, or null once it has ended. */
export function programOf(pid) {
  return orNull(() => readlinkSync(`/proc/${pid}/exe`))
}

/** The arguments of a process, or null once it has ended. */
export function argumentsOf(pid) {
  return orNull(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'))
}

function parentOf(pid) {
  return orNull(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
  })
}

function orNull(read) {
  try {
    return read()
  }
  catch {
    return null
  }
}
