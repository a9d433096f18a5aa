// The window, used without a pointer.

import { Key, until } from './window.mjs'

const MANY_TABS = 80
const AGAIN_MS = 5_000

/** Presses keys only. Where the focus is decides what happens, as it does for a person. */
export class Keyboard {
  constructor(window) {
    this.window = window
  }

  /** Presses Tab until the element, or something in it, has the focus. */
  async to(selector, { text = null, within } = {}) {
    await this.window.see(selector, { text, ...(within && { within }) })
    for (let pressed = 0; pressed < MANY_TABS; pressed++) {
      if (await this.window.focused(selector, text)) return
      await this.window.keys(Key.TAB)
    }
    const where = await this.window.execute('return document.activeElement?.outerHTML.slice(0, 300)')
    throw new Error(`Tab never reached \`${selector}\`; the focus is on ${where}`)
  }

  /** Goes to a button and presses Enter. */
  async press(selector, options) {
    await this.to(selector, options)
    await this.window.keys(Key.ENTER)
  }

  /** Goes to a field and types over what is in it. */
  async type(selector, text) {
    await this.to(selector)
    await this.window.chord(Key.CONTROL, 'a')
    await this.window.keys(String(text))
  }

  /** Opens a list, goes down to an entry and takes it. */
  async choose(selector, text) {
    await this.to(selector)
    await this.window.keys(Key.ENTER)
    await this.#down('[role=option][data-highlighted]', text)
    if (await this.window.shows('[role=listbox][aria-multiselectable=true]')) await this.window.keys(Key.ESCAPE)
    await this.window.gone('[role=option]')
  }

  /** Opens a menu, goes down to an entry and takes it. */
  async command(selector, text) {
    await this.to(selector)
    await this.window.keys(Key.ENTER)
    await this.#down('[role=menuitem][data-highlighted]', text)
  }

  /** Does something by the command palette. */
  async palette(words, entry) {
    await this.window.chord(Key.CONTROL, 'k')
    await this.window.see('@palette')
    await this.window.keys(words)
    await this.window.see('[role=option][data-highlighted]', { text: entry })
    await this.window.keys(Key.ENTER)
    await this.window.gone('@palette')
  }

  /** Presses keys one after the other. */
  async keys(...keys) {
    await this.window.keys(...keys)
  }

  /**
   * Goes somewhere by a shortcut of two letters. The second one must follow soon, and
   * on a busy machine it may come too late: then they are pressed once more.
   */
  async go(keys, destination) {
    await until(`\`${keys}\` to lead to \`${destination}\``, async () => {
      await this.window.keys(...keys)
      return await this.window.see(destination, { within: AGAIN_MS }).catch(() => false)
    })
  }

  async #down(selector, text) {
    await this.window.see('[role=option], [role=menuitem]', { text })
    await until(`"${text}" to be highlighted`, async () => {
      if (await this.window.shows(selector, text)) return true
      await this.window.keys(Key.ARROW_DOWN)
      return false
    })
    await this.window.keys(Key.ENTER)
  }
}
