// What every handler written by hand does with a verified event: the user's row, through a pool of pg.

const upsert = `
insert into public.users_by_hand (id, email, first_name, last_name, image_url, updated_at)
values ($1, $2, $3, $4, $5, to_timestamp($6::double precision / 1000))
on conflict (id) do update set
  email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
  image_url = excluded.image_url, updated_at = excluded.updated_at`;

export async function store(pool, event) {
  if (event.type !== "user.created" && event.type !== "user.updated") return;
  const { id, email_addresses, primary_email_address_id, first_name, last_name, image_url, updated_at } = event.data;
  const email = email_addresses.find((address) => address.id === primary_email_address_id)?.email_address;
  await pool.query(upsert, [id, email, first_name, last_name, image_url, updated_at]);
}
