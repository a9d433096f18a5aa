import { computed, nextTick, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { failureOf, type IpcFailure } from '@/ipc/call'
import { type Problem } from './rules'

/**
 * The life of a form: what is wrong with which field, sending it, and what came back.
 *
 * A field shows its problem once somebody left it, or tried to send the form.
 * The submit button stays enabled: pressing it with a mistake in the form
 * shows every mistake and moves the focus to the first.
 */
export function useForm<Field extends string>(rules: Record<Field, () => Problem>) {
  const { t } = useI18n()
  const touched = reactive(new Set<string>())
  const busy = ref(false)
  const failure = ref<IpcFailure | null>(null)
  const problems = computed(() => Object.fromEntries(Object.entries<() => Problem>(rules).map(([field, rule]) => [field, rule()])) as Record<Field, Problem>)
  const valid = computed(() => Object.values(problems.value).every(problem => problem === null))

  return { busy, failure, valid, touch, error, submit, reset, showAll }

  function touch(field: Field) {
    touched.add(field)
  }

  /** The field's mistake in words, or nothing while it is none of anybody's business yet. */
  function error(field: Field): string | undefined {
    const problem = problems.value[field]
    return problem && touched.has(field) ? t(problem.key, problem.values ?? {}) : undefined
  }

  function showAll() {
    for (const field of Object.keys(rules)) touched.add(field)
  }

  /** Runs `send` if the form is in order; returns whether it went through. */
  async function submit(send: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    showAll()
    if (!valid.value) {
      await nextTick()
      document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
      return false
    }
    busy.value = true
    failure.value = null
    try {
      await send()
      return true
    }
    catch (thrown) {
      failure.value = failureOf(thrown)
      return false
    }
    finally {
      busy.value = false
    }
  }

  function reset() {
    touched.clear()
    failure.value = null
  }
}
