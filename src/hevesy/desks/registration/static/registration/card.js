/** What an ID card says fills the fields that are still empty; never one that somebody is typing in. */
document.addEventListener("registration:card", (event) => {
  const { sex, birth_date: birthDate, id_card: number } = /** @type {CustomEvent} */ (event).detail;
  for (const [id, value] of [["id_sex", sex], ["id_birth_date", birthDate]]) {
    const field = /** @type {HTMLInputElement | HTMLSelectElement | null} */ (document.getElementById(id));
    if (field && !field.value && field !== document.activeElement) field.value = value;
  }
  const card = /** @type {HTMLInputElement | null} */ (document.getElementById("id_id_card"));
  if (card && card !== document.activeElement) card.value = number;
});
